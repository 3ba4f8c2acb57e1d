import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Scheduler, startScheduler } from '../../src/control/scheduler.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let scheduler: Scheduler;
let user: TestUser;
let clusterId: string;

beforeAll(async () => {
  // Passes run on request only, so that each step can be looked at.
  const control = fakeControl();
  test = await startTestApi({
    control: {
      ...control,
      schedule: (id, options) => scheduler.schedule(id, options),
      currentPlan: (id) => scheduler.currentPlan(id),
      previewPolicy: (id, change) => scheduler.previewPolicy(id, change),
    },
  });
  scheduler = startScheduler({ db: test.db, log: pino({ level: 'fatal' }), onAdmitted: () => undefined });
  await scheduler.close();
  user = (await test.organization()).owner;
  const body = { name: 'c', ram: 32, cpu: 8, gpu: 2, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
});
afterAll(() => test.close());

async function submit(name: string, body: object): Promise<string> {
  const whole = { cluster_id: clusterId, docker_image: 'busybox', cpu_required: 1, name, ...body };
  const answer = await test.ask('POST', '/deployments', { as: user, body: whole });
  expect(answer.status).toBe(201);
  return String(answer.body['id']);
}

it('answers with what a pass decided, and says of the others why they wait', async () => {
  await submit('low', { ram_required: 16, priority: 3 });
  await submit('high', { ram_required: 16, gpu_required: 1, priority: 2 });
  const waiting = await submit('waits', { ram_required: 20, gpu_required: 2, priority: 4 });
  const schedule = (query: string) => test.ask('POST', `/clusters/${clusterId}/schedule${query}`, { as: user });

  const dry = await schedule('?dryRun=true');
  expect(dry.body).toMatchObject({ pass_id: null, dry_run: true, queued: 3, admitted: 2, waiting: 1 });
  expect(dry.body).toMatchObject({ bound: 2, gap: 0, proven_optimal: true });
  const { body } = await schedule('');
  expect(body).toMatchObject({
    dry_run: false,
    admitted: 2,
    decisions: [
      { decision: 'place', name: 'high', position: 1, placements: [{ replica: 0, node: 'node-1' }] },
      { decision: 'place', name: 'low', position: 2, placements: [{ replica: 0, node: 'node-1', gpu_devices: [] }] },
      {
        decision: 'wait',
        name: 'waits',
        position: 3,
        reason: 'insufficient_resources',
        shortfall: { ram: 20, gpu: 1 },
      },
    ],
  });
  expect(itemsOf(itemsOf(body, 'decisions')[0], 'placements')[0]!['gpu_devices']).toHaveLength(1);

  const { body: cluster } = await test.ask('GET', `/clusters/${clusterId}`, { as: user });
  expect(cluster).toMatchObject({
    deployments: { queued: 1, active: 2 },
    resources: { total: { ram: 32, cpu: 8, gpu: 2 }, available: { ram: 0, cpu: 6, gpu: 1 } },
  });
  const { body: detail } = await test.ask('GET', `/deployments/${waiting}`, { as: user });
  expect(detail['waiting']).toMatchObject({ position: 1, reason: 'insufficient_resources', nearest_node: 'node-1' });
  expect(String(detail['waiting']!['message'])).toMatch(/needs 20 GB of RAM.*node-1/);
  const { body: queue } = await test.ask('GET', `/clusters/${clusterId}/queue`, { as: user });
  expect(itemsOf(queue)).toMatchObject([{ deployment_id: waiting, name: 'waits', ram_required: 20 }]);
  const { body: passes } = await test.ask('GET', `/clusters/${clusterId}/passes`, { as: user });
  expect(itemsOf(passes)).toMatchObject([{ id: body['pass_id'], trigger: 'api', queued: 3, admitted: 2 }]);

  const { body: pass } = await test.ask('GET', `/passes/${body['pass_id']}`, { as: user });
  const standing = { priority: 2, effective_priority: 2, promoted: false, backfilled: false };
  expect(pass).toMatchObject({
    id: body['pass_id'],
    admitted: 2,
    admissions: [
      { ...standing, name: 'high', nodes: ['node-1'], position: 1 },
      { ...standing, name: 'low', priority: 3, effective_priority: 3, position: 2 },
    ],
    waiting: [{ deployment_id: waiting, name: 'waits', position: 3, priority: 4, reason: 'insufficient_resources' }],
    waiting_reasons: [{ reason: 'insufficient_resources', count: 1 }],
    waiting_counted: 1,
  });
  expect(pass['waiting'][0]['message']).toMatch(/needs 20 GB of RAM.*node-1/);
  const { owner: stranger } = await test.organization();
  expect((await test.ask('GET', `/passes/${body['pass_id']}`, { as: stranger })).status).toBe(404);
  expect((await test.ask('GET', '/passes/nonsense', { as: user })).status).toBe(404);

  const again = await schedule('');
  expect(again.body).toMatchObject({ pass_id: null, admitted: 0, queued: 1 });
});

it('refuses replicas that the whole cluster could not hold at once', async () => {
  const body = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 10, cpu_required: 1, replicas: 4 };
  const answer = await test.ask('POST', '/deployments', { as: user, body });
  expect(answer.status).toBe(422);
  expect(itemsOf(answer.body, 'errors')).toEqual([
    { field: 'replicas', message: 'asks for 4 replicas at once, and the whole cluster, empty, holds 3' },
  ]);
  const models = { ...body, replicas: 1, gpu_required: 1, gpu_models: ['H100'] };
  const refused = await test.ask('POST', '/deployments', { as: user, body: models });
  expect(itemsOf(refused.body, 'errors')).toMatchObject([{ field: 'gpu_models' }]);
});

it('tells what a changed policy would decide, and changes nothing', async () => {
  const body = { name: 'preview', ram: 4, cpu: 4, gpu: 0, runtime: 'simulated' };
  const id = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
  const one = { cluster_id: id, kind: 'job', ram_required: 4 };
  const running = await submit('runs', { ...one, priority: 50 });
  await test.ask('POST', `/clusters/${id}/schedule`, { as: user });
  const long = { status: 'running' as const, started_at: new Date(Date.now() - 60_000) };
  await test.db.updateTable('deployment').set(long).where('id', '=', running).execute();
  await submit('urgent', { ...one, priority: 1 });
  const preview = (policy: object) => test.ask('POST', `/clusters/${id}/policy/preview`, { as: user, body: policy });
  const { status, body: answer } = await preview({ preemption: { enabled: true, min_run_time_s: 10 } });
  expect(status).toBe(200);
  expect(answer).toMatchObject({
    current: { dry_run: true, pass_id: null, preempting: 0, waiting: 1 },
    changed: { dry_run: true, preempting: 1, decisions: [{ decision: 'preempt', name: 'urgent' }] },
  });
  const tooLong = await preview({ preemption: { enabled: true, min_run_time_s: 3600 } });
  expect(tooLong.body['changed']).toMatchObject({ preempting: 0 });
  const { body: cluster } = await test.ask('GET', `/clusters/${id}`, { as: user });
  expect(cluster['policy']['preemption']['enabled']).toBe(false);
  expect((await preview({ aging_interval_s: -1 })).status).toBe(400);
  const { owner: stranger } = await test.organization();
  const foreign = await test.ask('POST', `/clusters/${id}/policy/preview`, { as: stranger, body: {} });
  expect(foreign.status).toBe(404);
});
