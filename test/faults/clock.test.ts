/**
 * The clock jumps, forwards and back. The clock of an installation is that of its database, so it is that one which jumps here:
 * `now()` of this database is one of our own, which adds what a table says.
 */

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Cluster, newOwner, until } from '../conformance/client.ts';
import { createTestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let service: TestService;
let client: Client;
let cluster: Cluster;

beforeAll(async () => {
  database = await createTestDatabase();
  await shadowNow(database.url);
  service = await startTestService({ config: { databaseUrl: database.url } });
  client = await newOwner(service.url);
  // What ended before a jump ahead would else be past its retention.
  cluster = await client.createCluster({
    ram: 64,
    cpu: 4,
    gpu: 0,
    policy: { aging_interval_s: 3600, retention_s: null },
  });
});

afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

const day = 86_400;
const jumps = [day, -2 * day, 3600, -3600, 30 * day, -30 * day];
const job = (ms: number, rest: object = {}) => ({ kind: 'job' as const, env: { SIM_RUN_MS: String(ms) }, ...rest });

test('whatever the clock does, each deployment runs once, ends once, and frees what it held', async () => {
  const submitted: string[] = [];
  for (const jump of jumps) {
    const wave = Array.from({ length: 8 }, (_, index) => job(50 + 40 * index, { priority: 10 + index }));
    submitted.push(...(await client.submitAll(cluster.id, wave)).map(({ id }) => id));
    await service.sql('update clock_shift set seconds = seconds + $1', [jump]);
  }
  for (const id of submitted) expect(await client.became(id, 'succeeded')).toMatchObject({ attempt: 1 });
  await service.eventsTold();
  for (const id of submitted) {
    const types = (await client.eventsOf(id)).map(({ type }) => type);
    for (const type of ['deployment.admitted', 'deployment.succeeded']) {
      expect(types.filter((one) => one === type)).toHaveLength(1);
    }
  }
  expect((await client.cluster(cluster.id)).resources.allocated).toEqual({ ram: 0, cpu: 0, gpu: 0 });
});

test('a jump back keeps nobody from starting, and age is never below nothing', async () => {
  const filler = await client.submit(cluster.id, { cpu_required: 4 });
  await client.became(filler.id, 'running');
  const waits = await client.submit(cluster.id, job(10, { priority: 30 }));
  await service.sql('update clock_shift set seconds = seconds - $1', [day]);
  const { waiting } = await client.deployment(waits.id);
  expect(waiting).toMatchObject({ effective_priority: 30, promoted: false });
  await client.stop(filler.id);
  await client.became(waits.id, 'succeeded');
});

test('a jump ahead ends what has a time limit as its limit says, and nothing else', async () => {
  const limited = await client.submit(cluster.id, { kind: 'job', time_limit_s: 3600 });
  const free = await client.submit(cluster.id, { kind: 'job' });
  for (const { id } of [limited, free]) await client.became(id, 'running');
  await service.sql('update clock_shift set seconds = seconds + $1', [2 * 3600]);
  expect(await client.became(limited.id, 'failed')).toMatchObject({ reason_code: 'time_limit' });
  expect(await client.deployment(free.id)).toMatchObject({ status: 'running', attempt: 1 });
  await client.stop(free.id);
  await client.became(free.id, 'cancelled');
  await until('nothing is held', async () => (await client.cluster(cluster.id)).resources.allocated.cpu === 0);
});

/** In `public`, before the server's own: whatever asks for the time there is told ours, also the defaults of columns. */
async function shadowNow(url: string): Promise<void> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  try {
    await db.query(`
      create table clock_shift (seconds double precision not null);
      insert into clock_shift values (0);
      create function public.now() returns timestamptz language sql stable as
        'select pg_catalog.now() + make_interval(secs => seconds) from public.clock_shift';
      do $$ begin
        execute format('alter database %I set search_path = public, pg_catalog', current_database());
      end $$`);
  } finally {
    await db.end();
  }
}
