/** A timeline of more runs than one answer tells. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let user: TestUser;
let clusterId: string;
let serviceId: string;

/** Each ran for one second, one after the other. */
const runs = 5001;
const first = Date.parse('2026-03-01T00:00:00.000Z');
const at = (second: number) => new Date(first + second * 1000).toISOString();

beforeAll(async () => {
  const control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  user = (await test.organization()).owner;
  const body = { name: 'c', ram: 32, cpu: 8, gpu: 0, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
  const submission = {
    cluster_id: clusterId,
    docker_image: 'busybox',
    kind: 'service',
    ram_required: 1,
    cpu_required: 1,
  };
  serviceId = String((await test.ask('POST', '/deployments', { as: user, body: submission })).body['id']);
  await test.db
    .updateTable('deployment')
    .set({ status: 'running', started_at: at(1) })
    .where('id', '=', serviceId)
    .execute();
  // Its latest run is told by the replica itself, and is later than all that is asked for.
  await sql`
    insert into replica (deployment_id, attempt, index, run, node_name, status, started_at)
    values (${serviceId}, 1, 0, ${runs + 1}, 'node-1', 'running', ${at(2 * runs)})`.execute(test.db);
  await sql`
    insert into replica_run (deployment_id, attempt, index, run, node_name, out_of_memory, started_at, finished_at, reason_code)
    select ${serviceId}, 1, 0, n, 'node-1', false, ${at(0)}::timestamptz + n * interval '1 second',
           ${at(1)}::timestamptz + n * interval '1 second', 'exit_nonzero'
      from generate_series(1, ${runs}::int) n`.execute(test.db);
});
afterAll(() => test.close());

async function timeline(from: number, to: number) {
  const { status, body } = await test.ask('GET', `/clusters/${clusterId}/timeline?from=${at(from)}&to=${at(to)}`, {
    as: user,
  });
  expect(status).toBe(200);
  return { truncated: body['truncated'], starts: itemsOf(body, 'runs').map((run) => run['started_at']) };
}

it('tells the latest 5,000, and that there were more', async () => {
  const { truncated, starts } = await timeline(0, runs + 10);
  expect(truncated).toBe(true);
  expect(starts).toHaveLength(5000);
  expect([starts[0], starts.at(-1)]).toEqual([at(runs), at(2)]);
});

it('says of exactly 5,000 that they are all', async () => {
  const { truncated, starts } = await timeline(2.5, runs + 10);
  expect({ truncated, count: starts.length }).toEqual({ truncated: false, count: 5000 });
});
