/** What ran on a cluster, when and where. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { type FakeControl, fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let control: FakeControl;
let user: TestUser;
let clusterId: string;
let nodeId: string;

beforeAll(async () => {
  control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  user = (await test.organization()).owner;
  const body = { name: 'c', ram: 32, cpu: 8, gpu: 0, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
  const { body: nodes } = await test.ask('GET', `/clusters/${clusterId}/nodes`, { as: user });
  nodeId = String(itemsOf(nodes)[0]['id']);
});
afterAll(() => test.close());

const at = (hour: number) => `2026-03-01T${String(hour).padStart(2, '0')}:00:00.000Z`;

async function submit(name: string, values: object, more: object = {}): Promise<string> {
  const body = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 1, cpu_required: 1, name, ...more };
  const { status, body: made } = await test.ask('POST', '/deployments', { as: user, body });
  expect(status).toBe(201);
  const id = String(made['id']);
  if (Object.keys(values).length > 0)
    await test.db.updateTable('deployment').set(values).where('id', '=', id).execute();
  return id;
}

interface Ran {
  readonly attempt?: number;
  readonly run?: number;
  readonly from: number | null;
  readonly to?: number;
  readonly why?: string;
  readonly status?: string;
}

async function ran(id: string, { attempt = 1, run = 1, from, to, why, status = 'running' }: Ran): Promise<void> {
  await sql`
    insert into replica (deployment_id, attempt, index, run, node_id, node_name, status, started_at, finished_at, reason_code)
    values (${id}, ${attempt}, 0, ${run}, ${nodeId}, 'node-1', ${to === undefined ? status : 'ended'}, ${from === null ? null : at(from)},
            ${to === undefined ? null : at(to)}, ${why ?? null})`.execute(test.db);
}

async function timeline(from: number, to: number, as = user) {
  const { status, body } = await test.ask('GET', `/clusters/${clusterId}/timeline?from=${at(from)}&to=${at(to)}`, {
    as,
  });
  return {
    status,
    body,
    runs: itemsOf(body, 'runs').map((run) => `${run['name']} ${run['attempt']} ${run['status']}`),
  };
}

it('tells what ran in the time that is asked for, every attempt and every run', async () => {
  const running = { status: 'running', started_at: at(4) };
  const limited = await submit('limited', running, { kind: 'job', time_limit_s: 7200 });
  await ran(limited, { from: 4 });
  const starting = await submit('starting', { status: 'starting', admitted_at: at(5) });
  await ran(starting, { from: null, status: 'starting' });
  const over = await submit('over', { status: 'succeeded', started_at: at(2), finished_at: at(3) });
  await ran(over, { from: 2, to: 3, why: 'exit_zero' });
  const again = await submit('again', { status: 'queued', attempt: 2 });
  await ran(again, { from: 1, to: 2, why: 'exit_nonzero' });
  const service = await submit('service', { status: 'running', started_at: at(1) }, { kind: 'service' });
  await ran(service, { from: 3, run: 2 });
  await sql`
    insert into replica_run (deployment_id, attempt, index, run, node_id, node_name, out_of_memory, started_at, finished_at, reason_code)
    values (${service}, 1, 0, 1, null, 'node-of-before', false, ${at(1)}, ${at(2)}, 'exit_nonzero')`.execute(test.db);
  await submit('waits', {});

  const all = await timeline(0, 23);
  expect(all.runs).toEqual([
    'starting 1 starting',
    'limited 1 running',
    'service 1 running',
    'over 1 succeeded',
    ...(again < service ? ['again 1 failed', 'service 1 failed'] : ['service 1 failed', 'again 1 failed']),
  ]);
  const [first, second] = itemsOf(all.body, 'runs');
  expect(first).toMatchObject({ started_at: at(5), ended_at: null, expected_end_at: null, replica: 0 });
  expect(second).toEqual({
    deployment_id: limited,
    name: 'limited',
    status: 'running',
    attempt: 1,
    replica: 0,
    node_id: nodeId,
    node: 'node-1',
    started_at: at(4),
    ended_at: null,
    expected_end_at: at(6),
  });
  expect(itemsOf(all.body, 'runs').map(({ node }) => node)).toContain('node-of-before');
  expect(all.body).toMatchObject({ truncated: false, reservations: [] });

  expect((await timeline(0, 1)).runs).toHaveLength(2);
  expect((await timeline(6, 7)).runs).toEqual(['starting 1 starting', 'limited 1 running', 'service 1 running']);
});

it('tells what is kept for whom', async () => {
  const plan = await control.currentPlan(clusterId);
  const [holder] = plan.plan.decisions;
  const reservation = {
    deploymentId: holder!.deploymentId,
    nodes: [{ nodeId, resources: { ram: 1000, cpu: 1000, gpu: 0 } }],
    startsAt: Date.parse(at(6)),
  };
  control.frozen = { ...plan, plan: { ...plan.plan, reservations: [reservation] } };
  const { body } = await timeline(0, 23);
  expect(body['reservations']).toMatchObject([
    { deployment_id: holder!.deploymentId, nodes: ['node-1'], starts_at: at(6), position: 1 },
  ]);
  control.frozen = undefined;
});

it('is for the organization, and says by field what makes no sense', async () => {
  const { owner: stranger } = await test.organization();
  expect((await timeline(0, 1, stranger)).status).toBe(404);
  const { status, body } = await timeline(2, 1);
  expect(status).toBe(400);
  expect(itemsOf(body, 'errors')).toMatchObject([{ field: 'from' }]);
});
