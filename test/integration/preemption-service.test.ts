/** Preemption from end to end: what is urgent runs at once, and what was stopped for it runs again afterwards. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, until } from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const preemption = { enabled: true, min_run_time_s: 0 };
const whole = { ram_required: 32, cpu_required: 8 };

async function running(cluster: Cluster, input: DeploymentInput) {
  const { id } = await owner.submit(cluster.id, input);
  return owner.became(id, 'running');
}

test('what is urgent runs, what was stopped for it waits with its age, and runs again', async () => {
  const cluster = await owner.createCluster({ policy: { preemption } });
  const low = await running(cluster, { ...whole, priority: 50, name: 'low' });
  const urgent = await owner.submit(cluster.id, { ...whole, priority: 10, name: 'urgent' });
  await owner.became(urgent.id, 'running');
  const waits = await owner.became(low.id, 'queued');
  expect(waits).toMatchObject({ attempt: 2, queued_at: low.queued_at, reason_code: 'preempted', started_at: null });
  expect(waits.waiting).toMatchObject({ reason: 'insufficient_resources', waits_for: [] });
  await owner.stop(urgent.id);
  expect(await owner.became(low.id, 'running')).toMatchObject({ attempt: 2 });

  await service.eventsTold();
  expect((await owner.eventsOf(low.id)).map(({ type }) => type.replace('deployment.', ''))).toEqual([
    'submitted',
    'admitted',
    'started',
    'preempted',
    'requeued',
    'admitted',
    'started',
  ]);
  const preempting = (await owner.eventsOf(urgent.id)).find(({ type }) => type === 'deployment.preempting');
  const victims = [{ deployment_id: low.id, priority: 50 }];
  expect(preempting).toMatchObject({ message: 'low is stopped to make room for urgent', data: { victims } });
  type Pass = { preemptions: { deployment_id: string; victims: object[] }[] };
  const passes = await owner.all<Pass>(`/clusters/${cluster.id}/passes`);
  expect(passes.flatMap((pass) => pass.preemptions)).toMatchObject([{ deployment_id: urgent.id, victims }]);
});

test('while they stop, it says for how many it waits, and nobody takes what is kept for it', async () => {
  const cluster = await owner.createCluster({ policy: { preemption } });
  const stubborn = { env: { SIM_IGNORE_TERM: '1' }, stop_grace_s: 20 };
  const one = await running(cluster, { ram_required: 16, ...stubborn });
  const two = await running(cluster, { ram_required: 16, ...stubborn });
  const urgent = await owner.submit(cluster.id, { ...whole, priority: 10 });
  await owner.became(one.id, 'stopping');
  const { waiting } = await owner.deployment(urgent.id);
  expect(waiting).toMatchObject({
    reason: 'preempting',
    message: 'it starts as soon as 2 deployments that are being stopped for it have ended',
  });
  expect(waiting!.waits_for.toSorted()).toEqual([one.id, two.id].toSorted());
  const rival = await owner.submit(cluster.id, { ram_required: 1, priority: 1 });
  expect(await owner.schedule(cluster.id)).toMatchObject({ admitted: 0, preempting: 0 });
  // More important than the urgent one, it may have that one stopped in its turn: but only after it has run.
  await owner.became(rival.id, 'running');
  await service.eventsTold();
  const admittedAt = async (id: string) =>
    (await owner.eventsOf(id)).find(({ type }) => type === 'deployment.admitted')?.created_at ?? '';
  expect(Date.parse(await admittedAt(urgent.id))).toBeLessThan(Date.parse(await admittedAt(rival.id)));
});

test('a dry run says who would be stopped for whom, and stops nobody', async () => {
  const cluster = await owner.createCluster({ policy: { preemption: { enabled: true, min_run_time_s: 1 } } });
  const low = await running(cluster, whole);
  const urgent = await owner.submit(cluster.id, { ...whole, priority: 10 });
  const dry = await until('it may be stopped', async () => {
    const result = await owner.call<{ decisions: { decision: string }[]; preempting: number }>(
      'POST',
      `/clusters/${cluster.id}/schedule?dryRun=true`,
    );
    return result.preempting === 1 && result;
  }).catch(() => null);
  // A real pass may have been quicker.
  if (dry !== null) {
    expect(dry.decisions[0]).toMatchObject({
      decision: 'preempt',
      deployment_id: urgent.id,
      reason: 'preempting',
      receipt: { highest_priority: 50, victims: [{ deployment_id: low.id }], alternatives: [] },
      placements: [{ replica: 0, node: 'node-1' }],
    });
  }
  await owner.became(urgent.id, 'running');
});

describe('nobody is stopped', () => {
  test('by default', async () => {
    const cluster = await owner.createCluster();
    const low = await running(cluster, whole);
    const urgent = await owner.submit(cluster.id, { ...whole, priority: 1 });
    expect(await owner.schedule(cluster.id)).toMatchObject({ admitted: 0, preempting: 0 });
    expect(await owner.statuses([low.id, urgent.id])).toEqual(['running', 'queued']);
  });

  test('of the same priority, or before the minimum run time, until the policy is changed', async () => {
    const cluster = await owner.createCluster({ policy: { preemption: { enabled: true, min_run_time_s: 3600 } } });
    const low = await running(cluster, whole);
    const urgent = await owner.submit(cluster.id, { ...whole, priority: 1 });
    expect(await owner.schedule(cluster.id)).toMatchObject({ admitted: 0, preempting: 0 });
    await owner.call('PATCH', `/clusters/${cluster.id}`, { policy: { preemption } });
    await owner.became(urgent.id, 'running');
    await owner.became(low.id, 'queued');
    const rival = await owner.submit(cluster.id, { ...whole, priority: 1 });
    expect(await owner.schedule(cluster.id)).toMatchObject({ admitted: 0, preempting: 0 });
    expect(await owner.statuses([urgent.id, rival.id])).toEqual(['running', 'queued']);
  });
});

function job(ms: number, input: DeploymentInput) {
  return { kind: 'job' as const, env: { SIM_RUN_MS: String(ms) }, ...input };
}

test('a storm of urgent ones loses nobody: all end once, and nothing is held at the end', async () => {
  const cluster = await owner.createCluster({ ram: 8, cpu: 8, policy: { preemption } });
  const low = await owner.submitAll(
    cluster.id,
    Array.from({ length: 12 }, () => job(10_000, { priority: 90 })),
  );
  await owner.became(low[0]!.id, 'running');
  const made = [...low];
  for (let wave = 0; wave < 6; wave += 1) {
    made.push(await owner.submit(cluster.id, job(60, { priority: 50 - wave * 5, ram_required: 2, replicas: 2 })));
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  for (const { id } of made) await owner.became(id, 'succeeded');
  expect((await owner.cluster(cluster.id)).resources.allocated).toEqual({ ram: 0, cpu: 0, gpu: 0 });
  expect(await service.sql('select 1 from claim')).toEqual([]);
  await service.eventsTold();
  let preempted = 0;
  for (const { id } of made) {
    const types = (await owner.eventsOf(id)).map(({ type }) => type);
    const count = (type: string) => types.filter((one) => one === `deployment.${type}`).length;
    expect([count('succeeded'), count('admitted')]).toEqual([1, 1 + count('requeued')]);
    // One that ends in the moment in which it is told to stop has ended by itself.
    expect(count('requeued')).toBeLessThanOrEqual(count('preempted'));
    preempted += count('preempted');
  }
  expect(preempted).toBeGreaterThan(0);
});
