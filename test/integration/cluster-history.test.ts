/** How a cluster stood over time: samples, averages of old ones, and what is told of them. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeSamples, thinSamples } from '../../src/store/cluster-history.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let user: TestUser;
let clusterId: string;
let idleId: string;

beforeAll(async () => {
  test = await startTestApi();
  user = (await test.organization()).owner;
  const make = async (name: string) => {
    const body = { name, ram: 32, cpu: 8, gpu: 2, runtime: 'simulated' };
    return String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
  };
  clusterId = await make('busy');
  idleId = await make('idle');
  const one = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 1, cpu_required: 1 };
  const deployments = Array.from({ length: 3 }, () => one);
  const { body } = await test.ask('POST', '/deployments/batch', { as: user, body: { deployments } });
  const [first] = itemsOf(body, 'deployments');
  await test.db.updateTable('deployment').set({ status: 'running' }).where('id', '=', first['id']).execute();
  const allocated = { ram_allocated: 1000, cpu_allocated: 1000, gpu_allocated: 1000 };
  await test.db.updateTable('node').set(allocated).where('cluster_id', '=', clusterId).execute();
});
afterAll(() => test.close());

const history = (id: string, query = '', as = user) =>
  test.ask('GET', `/clusters/${id}/history?to=2099-01-01T00:00:00Z&from=2098-12-31T00:00:00Z${query}`, { as });

/** All samples so far, moved to so many seconds after the beginning of the time that is asked for. */
async function moveSamples(seconds: number): Promise<void> {
  await sql`update cluster_sample set at = '2098-12-31T00:00:00Z'::timestamptz + make_interval(secs => ${seconds})
     where at < '2098-01-01'`.execute(test.db);
}

it('writes down what a cluster has, what is allocated and used, and how many wait and run', async () => {
  await test.db.transaction().execute(async (tx) => {
    await takeSamples(tx, [{ clusterId, ram: 250, cpu: 1500, gpu: null }]);
    // A second one of the same moment changes nothing.
    await takeSamples(tx, []);
  });
  await moveSamples(0);
  const { status, body } = await history(clusterId);
  expect(status).toBe(200);
  expect(itemsOf(body)).toEqual([
    {
      at: '2098-12-31T00:00:00.000Z',
      total: { ram: 32, cpu: 8, gpu: 2 },
      allocated: { ram: 1, cpu: 1, gpu: 1 },
      used: { ram: 0.25, cpu: 1.5, gpu: null },
      queued: 2,
      running: 1,
    },
  ]);
  expect(itemsOf((await history(idleId)).body)).toMatchObject([{ used: { ram: 0, cpu: 0, gpu: 0 }, queued: 0 }]);
  const { owner: stranger } = await test.organization();
  expect((await history(clusterId, '', stranger)).status).toBe(404);
});

it('averages down to as many samples as were asked for; what is not known does not count', async () => {
  await takeSamples(test.db, [{ clusterId, ram: 750, cpu: null, gpu: null }]);
  await moveSamples(60);
  expect(itemsOf((await history(clusterId)).body)).toHaveLength(1);
  expect(itemsOf((await history(clusterId, '&points=500')).body)).toHaveLength(1);
  const { body } = await history(clusterId, '&points=1');
  expect(itemsOf(body)).toMatchObject([{ used: { ram: 0.5, cpu: 1.5, gpu: null }, running: 1 }]);
  const short = `/clusters/${clusterId}/history?from=2098-12-31T00:00:00Z&to=2098-12-31T01:00:00Z`;
  expect(itemsOf((await test.ask('GET', short, { as: user })).body).map(({ at }) => at)).toEqual([
    '2098-12-31T00:00:00.000Z',
    '2098-12-31T00:00:54.000Z',
  ]);
});

it('divides the time from the first sample on: two samples of a young cluster are two points, however long a time is asked for', async () => {
  await sql`delete from cluster_sample`.execute(test.db);
  for (const seconds of [86_400 - 40, 86_400 - 25]) {
    await takeSamples(test.db, []);
    await moveSamples(seconds);
  }
  expect(itemsOf((await history(clusterId, '&points=3')).body).map(({ at }) => at)).toEqual([
    '2098-12-31T23:59:20.000Z',
    '2098-12-31T23:59:35.000Z',
  ]);
  expect(itemsOf((await history(clusterId, '&points=1')).body)).toHaveLength(1);
});

it('keeps averages of what is older than a day, for three months', async () => {
  await sql`delete from cluster_sample`.execute(test.db);
  const put = (minutes: number, queued: number) =>
    sql`
    insert into cluster_sample (cluster_id, step_s, at, ram, cpu, gpu, ram_allocated, cpu_allocated, gpu_allocated, ram_used, queued, running)
    select ${clusterId}, 15, date_bin('10 minutes', now(), 'epoch') - make_interval(mins => ${minutes}), 1, 1, 1, 0, 0, 0, 4, ${queued}, 0`.execute(
      test.db,
    );
  const day = 24 * 60;
  await put(0, 7);
  await put(day + 20, 1);
  await put(day + 15, 4);
  await put(100 * day, 9);
  await thinSamples(test.db);
  await thinSamples(test.db);
  const { rows } = await sql`select step_s, queued, ram_used from cluster_sample order by at`.execute(test.db);
  expect(rows).toEqual([
    { step_s: 600, queued: 2.5, ram_used: '4' },
    { step_s: 15, queued: 7, ram_used: '4' },
  ]);
});

const wrong = async (query: string) => {
  const { status, body } = await test.ask('GET', `/clusters/${clusterId}/history?${query}`, { as: user });
  expect(status).toBe(400);
  return itemsOf(body, 'errors').map(({ field }) => field);
};

it('says by field what makes no sense', async () => {
  expect(await wrong('points=501')).toEqual(['points']);
  expect(await wrong('from=yesterday')).toEqual(['from']);
  expect(await wrong('from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).toEqual(['from']);
});
