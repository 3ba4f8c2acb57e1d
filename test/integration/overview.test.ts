/** The figures of an organization, and the queue of one who looks for their own. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { type FakeControl, fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let control: FakeControl;
let user: TestUser;
let other: TestUser;
let clusterId: string;

beforeAll(async () => {
  control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  const organization = await test.organization();
  user = organization.owner;
  other = await test.member(organization, 'developer');
  const body = { name: 'c', ram: 32, cpu: 8, gpu: 0, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
});
afterAll(() => test.close());

async function submit(name: string, as = user, more: object = {}): Promise<string> {
  const body = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 1, cpu_required: 1, name, ...more };
  const { status, body: made } = await test.ask('POST', '/deployments', { as, body });
  expect(status).toBe(201);
  return String(made['id']);
}

const before = (hours: number) => sql<Date>`now() - make_interval(hours => ${hours})`;

it('counts what is there, what has ended, and how long it waited', async () => {
  const empty = await test.ask('GET', '/overview', { as: user });
  expect(empty.body).toEqual({
    deployments: { queued: 0, starting: 0, running: 0, stopping: 0 },
    finished_24h: { succeeded: 0, failed: 0, cancelled: 0, skipped: 0 },
    waits_24h: { median_s: null, p90_s: null, count: 0 },
    longest_waiting_s: null,
  });
  const set = (id: string, values: object) =>
    test.db.updateTable('deployment').set(values).where('id', '=', id).execute();
  await set(await submit('waits'), { queued_at: before(2) });
  await set(await submit('runs'), { status: 'running', queued_at: before(3), admitted_at: before(2) });
  const over = { status: 'succeeded', queued_at: before(5), admitted_at: before(2), finished_at: before(1) };
  await set(await submit('over'), over);
  await set(await submit('kept', user, { kind: 'job', keep_for_s: 1000 }), { ...over, status: 'failed' });
  await set(await submit('old'), { ...over, admitted_at: before(40), finished_at: before(30) });
  const { body } = await test.ask('GET', '/overview', { as: user });
  expect(body).toMatchObject({
    deployments: { queued: 1, starting: 0, running: 1, stopping: 0 },
    finished_24h: { succeeded: 1, failed: 1, cancelled: 0, skipped: 0 },
    waits_24h: { median_s: 3 * 3600, p90_s: 3 * 3600, count: 3 },
  });
  expect(body['longest_waiting_s']).toBeGreaterThanOrEqual(7200);
  expect(body['longest_waiting_s']).toBeLessThan(7300);

  const { owner: stranger } = await test.organization();
  const theirs = await test.ask('GET', '/overview', { as: stranger });
  expect(theirs.body).toEqual(empty.body);
  await test.db.deleteFrom('deployment').execute();
});

it('lists who of the queue is asked for, at the positions of the whole queue', async () => {
  await submit('alpha-1', user, { priority: 1 });
  await submit('beta-1', other, { priority: 2 });
  await submit('alpha-2', other, { priority: 3 });
  await submit('beta-2', user, { priority: 4 });
  await submit('Alpha-3', user, { priority: 5 });
  const list = async (query: string) => {
    const { status, body } = await test.ask('GET', `/clusters/${clusterId}/queue?${query}`, { as: user });
    expect(status).toBe(200);
    const names = itemsOf(body).map(({ name, position }) => `${position} ${name}`);
    return { names, cursor: body['next_cursor'] };
  };
  expect(await list(`submitted_by=${other.id}`)).toEqual({ names: ['2 beta-1', '3 alpha-2'], cursor: null });
  expect((await list('name=ALPHA')).names).toEqual(['1 alpha-1', '3 alpha-2', '5 Alpha-3']);
  expect((await list(`name=alpha&submitted_by=${user.id}`)).names).toEqual(['1 alpha-1', '5 Alpha-3']);
  expect((await list('submitted_by=nonsense')).names).toEqual([]);
  const first = await list('name=alpha&limit=2');
  expect(first.names).toEqual(['1 alpha-1', '3 alpha-2']);
  expect(await list(`name=alpha&limit=2&cursor=${first.cursor}`)).toEqual({ names: ['5 Alpha-3'], cursor: null });

  // Who came after the plan was made is looked for as well.
  control.frozen = await control.currentPlan(clusterId);
  await submit('alpha-4');
  await submit('beta-3');
  expect((await list('name=alpha')).names).toEqual(['1 alpha-1', '3 alpha-2', '5 Alpha-3', '6 alpha-4']);
  control.frozen = undefined;
});
