/** What has ended is deleted after its time, and nothing that somebody waits for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Cluster, newOwner, until } from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
let cluster: Cluster;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ ram: 64, cpu: 64, gpu: 0 });
});
afterAll(() => service.stop());

const short = {
  kind: 'job' as const,
  ram_required: 0.1,
  cpu_required: 0.1,
  env: { SIM_RUN_MS: '0', SIM_LOG: 'hello' },
};

/** As if it had ended so many days earlier. */
const age = (id: string, days: number) =>
  service.sql('update deployment set finished_at = finished_at - make_interval(days => $2) where id = $1', [id, days]);
const isThere = async (id: string) => (await owner.ask('GET', `/deployments/${id}`)).status === 200;
const isGone = (id: string) => until(`${id} is gone`, async () => !(await isThere(id)));

async function ended(input: object = {}): Promise<string> {
  const { id } = await owner.submit(cluster.id, { ...short, ...input });
  await owner.became(id, 'succeeded');
  await until('it is cleaned up', async () => {
    const rows = await service.sql('select 1 from replica where deployment_id = $1 and not cleaned', [id]);
    return rows.length === 0;
  });
  return id;
}

test('a new cluster keeps what has ended for 30 days, and says until when', async () => {
  expect((await owner.cluster(cluster.id)).policy.retention_s).toBe(30 * 86_400);
  const [old, young] = [await ended(), await ended()];
  const { finished_at: finished, expires_at: expires } = await owner.deployment(young);
  expect(Date.parse(expires!) - Date.parse(finished!)).toBe(30 * 86_400_000);
  await age(old, 31);
  await age(young, 29);
  await isGone(old);
  expect(await isThere(young)).toBe(true);
  // With all that was of it, but for what happened.
  for (const table of ['replica', 'replica_log']) {
    expect(await service.sql(`select 1 from ${table} where deployment_id = $1`, [old])).toEqual([]);
  }
  await service.eventsTold();
  const events = await service.sql<{ type: string }>(
    'select type from event where deployment_id = $1 order by tx, id',
    [old],
  );
  expect(events.at(-1)?.type).toBe('deployment.expired');
  expect(events[0]?.type).toBe('deployment.submitted');
});

test('what it says itself counts before what its cluster says', async () => {
  const [brief, long] = [await ended({ keep_for_s: 3600 }), await ended({ keep_for_s: 100 * 86_400 })];
  await age(long, 60);
  await age(brief, 1);
  await isGone(brief);
  expect(await isThere(long)).toBe(true);
});

test('a cluster may keep everything', async () => {
  const other = await owner.createCluster({ policy: { retention_s: null } });
  const { id } = await owner.submit(other.id, short);
  await owner.became(id, 'succeeded');
  await age(id, 4000);
  const gone = await ended({ keep_for_s: 0 });
  await isGone(gone);
  expect(await owner.deployment(id)).toMatchObject({ expires_at: null });
  const changed = await owner.call<Cluster>('PATCH', `/clusters/${other.id}`, { policy: { retention_s: 86_400 } });
  expect(changed.policy.retention_s).toBe(86_400);
  await isGone(id);
});

test('what does not end is kept, and so is what somebody waits for', async () => {
  const runs = await owner.submit(cluster.id, { ...short, env: {}, keep_for_s: 0 });
  await owner.became(runs.id, 'running');
  // At once: what nobody waits for yet is gone as soon as it has ended.
  const [many, waits] = await owner.submitAll(cluster.id, [
    { ...short, name: 'many', keep_for_s: 0, count: 2, array_parallel: 1, env: { SIM_RUN_MS: '1500' } },
    { ...short, name: 'waits', depends_on: [{ deployment: 'many' }] },
  ]);
  // The first of the two has ended, and is of use to who waits for both.
  await owner.became(waits!.id, 'succeeded');
  await isGone(many!.id);
  expect((await owner.deployment(runs.id)).status).toBe('running');
});

test('many are deleted in batches', async () => {
  const { array } = await owner.submit(cluster.id, { ...short, count: 450, env: { SIM_RUN_MS: '0' } });
  await owner.call('POST', `/arrays/${array!.id}/cancel`);
  const all = 'select 1 from deployment where array_id = $1';
  await until('all have ended', async () => {
    const open = "and status in ('queued', 'starting', 'running', 'stopping')";
    return (await service.sql(`${all} ${open}`, [array!.id])).length === 0;
  });
  await service.sql('update deployment set keep_for_s = 0 where array_id = $1', [array!.id]);
  await until('all are gone', async () => (await service.sql(all, [array!.id])).length === 0);
  await until('and the array', async () => (await owner.ask('GET', `/arrays/${array!.id}`)).status === 404);
});

test.each([-1, 1.5, 'x'])('keep_for_s of %j is refused', async (keep) => {
  const problem = await owner.refused(400, 'POST', '/deployments', {
    cluster_id: cluster.id,
    docker_image: 'busybox',
    ...short,
    keep_for_s: keep,
  });
  expect(problem.errors?.map(({ field }) => field)).toEqual(['keep_for_s']);
});
