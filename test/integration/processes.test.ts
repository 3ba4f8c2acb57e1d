/** One installation, many processes: an API, two schedulers and two workers on one database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HeldElsewhere, startScheduler } from '../../src/control/scheduler.ts';
import { openDatabase } from '../../src/store/database.ts';
import { leaseOfCluster } from '../../src/store/leases.ts';
import { type Client, type Cluster, newOwner, unique, until } from '../conformance/client.ts';
import { type SpawnedService, spawnTestService } from '../support/service.ts';

let dataDir: string;
let api: SpawnedService;
let schedulers: SpawnedService[] = [];
let workers: SpawnedService[] = [];
let owner: Client;

beforeAll(async () => {
  // Secrets are read by all of them: the key is in the directory that they share.
  dataDir = await mkdtemp(join(tmpdir(), 'hv-processes-'));
  api = await spawnTestService({ config: { role: 'api', dataDir } });
  const start = (role: 'scheduler' | 'worker') =>
    spawnTestService({ config: { role, dataDir, databaseUrl: api.databaseUrl } });
  schedulers = [await start('scheduler'), await start('scheduler')];
  workers = [await start('worker'), await start('worker')];
  owner = await newOwner(api.url);
});
afterAll(async () => {
  for (const one of [...workers, ...schedulers]) await one.stop();
  await api?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const newCluster = (name = unique('cluster')) =>
  owner.createCluster({ name, runtime: 'simulated', ram: 8, cpu: 8, gpu: 0 });

const job = (cluster: Cluster, runMs: number) =>
  owner.submit(cluster.id, {
    kind: 'job',
    docker_image: 'simulated/job',
    ram_required: 1,
    cpu_required: 1,
    env: { SIM_RUN_MS: String(runMs) },
  });

interface Lease {
  readonly process_id: string | null;
  readonly fence: string;
}

async function leaseOf(name: string): Promise<Lease | undefined> {
  const [lease] = await api.sql<Lease & Record<string, unknown>>(
    'select process_id::text, fence::text from lease where name = $1',
    [name],
  );
  return lease;
}

/** The process that has a lease, among those that were started here. */
async function holderOf(name: string, among: readonly SpawnedService[]): Promise<SpawnedService> {
  const pid = await until(`somebody has ${name}`, async () => {
    const [row] = await api.sql<{ pid: number }>(
      'select p.pid from lease l join process p on p.id = l.process_id where l.name = $1',
      [name],
    );
    return row?.pid;
  });
  const found = among.find((one) => one.pid() === pid);
  if (found === undefined) throw new Error(`${name} is held by ${pid}, which is none of them`);
  return found;
}

test('what one accepts, another decides, a third runs, and whoever asks is told', async () => {
  const cluster = await newCluster();
  const { id } = await job(cluster, 50);
  await owner.became(id, 'succeeded');
});

test('clusters are shared out among the schedulers', async () => {
  const clusters = await Promise.all(Array.from({ length: 5 }, () => newCluster()));
  await until('each has its share', async () => {
    const rows = await api.sql<{ count: number }>(
      `select count(*)::int as count from lease where name like 'cluster/%' and process_id is not null group by process_id`,
    );
    return rows.length === 2 && Math.abs(rows[0]!.count - rows[1]!.count) <= 1;
  });
  for (const cluster of clusters) await owner.became((await job(cluster, 1)).id, 'succeeded');
});

test('a pass that is asked of the API is made by the scheduler that has the cluster, and its decisions are answered', async () => {
  const cluster = await newCluster();
  const blocker = await job(cluster, 600_000);
  await owner.became(blocker.id, 'running');
  const large = await owner.submit(cluster.id, {
    kind: 'job',
    docker_image: 'simulated/job',
    ram_required: 8,
    cpu_required: 8,
  });
  const answer = await owner.call<{ dry_run: boolean; decisions: { deployment_id: string; decision: string }[] }>(
    'POST',
    `/clusters/${cluster.id}/schedule`,
    {},
  );
  expect(answer.dry_run).toBe(false);
  expect(answer.decisions).toMatchObject([{ deployment_id: large.id, decision: 'wait' }]);
  await owner.stop(blocker.id);
});

test('when a scheduler is killed, another one takes over its clusters, under a new fence', async () => {
  const cluster = await newCluster();
  await owner.became((await job(cluster, 1)).id, 'succeeded');
  const name = leaseOfCluster(cluster.id);
  const before = await leaseOf(name);
  const holder = await holderOf(name, schedulers);
  await holder.kill();
  await owner.became((await job(cluster, 1)).id, 'succeeded');
  const after = await leaseOf(name);
  expect(Number(after!.fence)).toBeGreaterThan(Number(before!.fence));
  await holder.restart();
});

test('what keeps time goes on in another scheduler when its process is killed', async () => {
  const holder = await holderOf('duty/upkeep', schedulers);
  await holder.kill();
  const cluster = await newCluster();
  // Only the upkeep lets it go: it waits for another one.
  const first = await job(cluster, 50);
  const second = await owner.submit(cluster.id, {
    kind: 'job',
    docker_image: 'simulated/job',
    ram_required: 1,
    cpu_required: 1,
    env: { SIM_RUN_MS: '1' },
    depends_on: [{ deployment: first.id, condition: 'succeeded' }],
  });
  await owner.became(second.id, 'succeeded');
  await holder.restart();
});

test('when a worker is killed, what it was at and what it watched over comes to its end', async () => {
  const cluster = await newCluster();
  const jobs = await Promise.all(Array.from({ length: 24 }, () => job(cluster, 300)));
  const watching = await holderOf('duty/watch', workers);
  await owner.became(jobs[0]!.id, 'running', 'succeeded');
  await watching.kill();
  for (const { id } of jobs) await owner.became(id, 'succeeded');
  const rows = await api.sql<{ count: number }>('select count(*)::int as count from allocation where cluster_id = $1', [
    cluster.id,
  ]);
  expect(rows[0]!.count).toBe(0);
  await watching.restart();
});

test('what a scheduler still wants to commit after it has lost the cluster is refused', async () => {
  const cluster = await newCluster();
  await owner.became((await job(cluster, 1)).id, 'succeeded');
  const name = leaseOfCluster(cluster.id);
  const now = await leaseOf(name);
  const db = openDatabase(api.databaseUrl);
  const stale = { name, processId: now!.process_id!, fence: String(Number(now!.fence) - 1) };
  const late = startScheduler({
    db,
    log: pino({ level: 'silent' }),
    onAdmitted: () => {
      throw new Error('it must not admit anything');
    },
    leases: { of: () => stale, claim: async () => stale },
  });
  await expect(late.schedule(cluster.id, { dryRun: false, trigger: 'api' })).rejects.toBeInstanceOf(HeldElsewhere);
  await late.close();
  await db.destroy();
});
