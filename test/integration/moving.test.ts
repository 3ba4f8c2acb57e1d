/** An installation is moved from the embedded PostgreSQL to a server, backed up while it runs, and brought back. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compiled } from '../../scripts/compiled.mjs';
import { makeConfig } from '../../src/config.ts';
import type { Hypervisor } from '../../src/main.ts';
import { openArchive } from '../../src/move/archive.ts';
import { connect } from '../../src/move/connect.ts';
import { fill } from '../../src/move/fill.ts';
import { startEmbeddedPostgres, urlOfRunning } from '../../src/platform/embedded-postgres.ts';
import { exists } from '../../src/platform/files.ts';
import { Client, newOwner, until } from '../conformance/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

const { startHypervisor } = (await import(await compiled('src/main.ts'))) as typeof import('../../src/main.ts');
const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));

let directory: string;
let receiver: Receiver;
let running: Hypervisor | null = null;
let owner: Client;
let clusterId: string;
const databases: TestDatabase[] = [];

const at = (...names: string[]) => join(directory, ...names);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hypervisor-moving-'));
  // PostgreSQL runs as another user where we are root.
  await chmod(directory, 0o755);
  receiver = await startReceiver();
});
afterAll(async () => {
  await running?.stop();
  await receiver.close();
  for (const database of databases) await database.drop();
  await rm(directory, { recursive: true, force: true });
});

async function emptyDatabase(): Promise<string> {
  const database = await createTestDatabase({ empty: true });
  databases.push(database);
  return database.url;
}

async function start(dataDir: string, databaseUrl: string | null): Promise<Hypervisor> {
  const config = { dataDir, port: 0, dockerHost: `unix://${at('none.sock')}`, webhookAllow: ['127.0.0.1'] };
  running = await startHypervisor({ ...makeConfig({ ...config, logLevel: 'fatal' }, {}), databaseUrl });
  return running;
}

async function stop(): Promise<void> {
  await running?.stop();
  running = null;
}

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function hv(...args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], HOME: directory, NO_COLOR: '1' };
    execFile(process.execPath, [binary, ...args], { env, cwd: directory }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** All that a database holds, told by the database itself and not by what copies it. */
async function contentsOf(url: string): Promise<Record<string, { rows: string; sum: string }>> {
  const client = new pg.Client({ connectionString: url, options: '-c timezone=UTC' });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely%' order by 1`,
    );
    const found: Record<string, { rows: string; sum: string }> = {};
    for (const { name } of tables) {
      const { rows } = await client.query<{ rows: string; sum: string }>(
        `select count(*)::text as rows, coalesce(md5(string_agg(t::text, '|' order by t::text collate "C")), '') as sum from "${name}" t`,
      );
      found[name] = rows[0]!;
    }
    return found;
  } finally {
    await client.end();
  }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Data of many kinds, one of each at least. */
async function populate(): Promise<void> {
  const cluster = await owner.createCluster();
  clusterId = cluster.id;
  await owner.call('POST', '/secrets', { name: 'db', value: 'tab\there, back\\slash, ünïcode and\na line' });
  await owner.call('POST', '/webhooks', { url: `http://127.0.0.1:${receiver.port}/moved` });
  const awkward = { SIM_RUN_MS: '1', TEXT: 'a\tb\\N\nc\r\n"quoted" ✓', EMPTY: '' };
  const job = await owner.submit(clusterId, { kind: 'job', env: awkward });
  await owner.became(job.id, 'succeeded');
  const lasting = await owner.submit(clusterId, { name: 'lasting' });
  await owner.became(lasting.id, 'running');
  const closed = await owner.createCluster();
  await owner.setSchedulable(closed.id, false);
  await owner.submit(closed.id, { name: 'waiting' });
}

/** What a job reads of the secret: its value came through, and the key that decrypts it is there. */
async function secretAsRead(): Promise<string> {
  const env = { SIM_READ: '/run/secrets/db', SIM_RUN_MS: '1' };
  const job = await owner.submit(clusterId, { kind: 'job', env, secrets: [{ name: 'db', path: '/run/secrets/db' }] });
  await owner.became(job.id, 'succeeded');
  return until('its log is there', async () => {
    const answer = await owner.fetch(`/api/v1/deployments/${job.id}/logs`);
    const text = await answer.text();
    return text.includes('back') && text;
  });
}

/** That what is written now comes after all that was there; and is told, where the secrets of webhooks can be read. */
async function eventsGoOn(url: string, { isTold = true } = {}): Promise<void> {
  const [before] = await query(url, 'select max(tx)::text as tx, max(id)::text as id from event');
  const job = await owner.submit(clusterId, { kind: 'job', env: { SIM_RUN_MS: '1' } });
  await owner.became(job.id, 'succeeded');
  const events = await until('its events can be read', async () => {
    const all = await owner.eventsOf(job.id);
    return all.some(({ type }) => type === 'deployment.succeeded') && all;
  });
  expect(events.length).toBeGreaterThan(3);
  const [order] = await query(
    url,
    `select bool_and(tx > '${String(before?.['tx'])}'::xid8 and id > ${String(before?.['id'])}) as behind
       from event where deployment_id = '${job.id}'`,
  );
  expect(order).toEqual({ behind: true });
  if (!isTold) return;
  await until('its end is told', () =>
    Promise.resolve(
      receiver
        .on('/moved')
        .some(({ message }) => message.type === 'deployment.succeeded' && message.data['deployment_id'] === job.id),
    ),
  );
}

async function tablesIn(url: string): Promise<number> {
  return (await query(url, `select 1 from pg_class where relnamespace = 'public'::regnamespace`)).length;
}

describe.sequential('an installation', () => {
  let movedTo: string;

  test('is backed up while it runs, and restored at another place with its key', async () => {
    const { url } = await start(at('data'), null);
    // As on a server that has seen more transactions than any that it may be moved to.
    const embedded = await urlOfRunning(at('data'));
    await query(
      embedded,
      `create or replace function transaction_offset() returns bigint language sql immutable as 'select 7000000000'`,
    );
    owner = await newOwner(url);
    await populate();
    // What goes on meanwhile is in it as a whole or not at all.
    const backup = hv('backup', at('full.hvbackup'), '--data-dir', at('data'), '--with-key');
    for (let count = 0; count < 20; count += 1)
      await owner.submit(clusterId, { kind: 'job', env: { SIM_RUN_MS: '1' } });
    const made = await backup;
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('It has secret.key in it') as unknown });
    expect((await stat(at('full.hvbackup'))).mode & 0o777).toBe(0o600);

    const target = await emptyDatabase();
    const restored = await hv('restore', at('full.hvbackup'), '--data-dir', at('there'), '--database-url', target);
    expect(restored.err).not.toContain('error');
    expect(restored.out).toContain('Secrets can be read');
    expect(await readFile(at('there/secret.key'))).toEqual(await readFile(at('data/secret.key')));
    expect((await stat(at('there/secret.key'))).mode & 0o777).toBe(0o600);
    const [torn] = await query(
      target,
      `select count(*)::integer as count from deployment d where not exists (select 1 from event e where e.deployment_id = d.id)`,
    );
    expect(torn).toEqual({ count: 0 });
  });

  test('is not moved while it runs', async () => {
    const refused = await hv('migrate-to', await emptyDatabase(), '--data-dir', at('data'));
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('another Hypervisor uses the data directory');
  });

  test('is backed up without its key by default, and says what that means', async () => {
    const made = await hv('backup', at('plain.hvbackup'), '--data-dir', at('data'));
    expect(made.out).toContain(`keep a copy of ${at('data/secret.key')} in another place`);
    const key = Buffer.from(await readFile(at('data/secret.key'), 'utf8'), 'base64');
    const archive = await openArchive(at('plain.hvbackup'));
    expect(archive.keys.size).toBe(0);
    for await (const { data } of archive.contents.pieces()) expect(data.includes(key)).toBe(false);
    const again = await hv('backup', at('plain.hvbackup'), '--data-dir', at('data'));
    expect(again.err).toContain('is there already');
    await stop();
  });

  test('that is cut off while it is moved stays whole, and the new place empty', async () => {
    const target = await emptyDatabase();
    const archive = await openArchive(at('full.hvbackup'));
    const client = await connect(target);
    const options = { place: 'there', replace: false, progress: { told: () => undefined }, say: () => undefined };
    const cutOff = {
      ...archive.contents,
      async *pieces() {
        let count = 0;
        for await (const piece of archive.contents.pieces()) {
          yield piece;
          count += 1;
          if (count === 3) await query(target, `select pg_terminate_backend(${pidOf(client)})`);
        }
      },
    };
    await expect(fill(client, cutOff, options)).rejects.toThrow();
    await client.end().catch(() => undefined);
    expect(await tablesIn(target)).toBe(0);
    movedTo = target;
  });

  test('arrives whole when it is moved: every row, and the sequences', async () => {
    const moved = await hv('migrate-to', movedTo, '--data-dir', at('data'));
    expect(moved.err).not.toContain('error');
    expect(moved.out).toContain('All was counted and compared.');
    expect(moved.out).toContain('Tasks were not moved');
    expect(moved.out).toContain(at('data/secret.key'));
    expect(moved.out).toMatch(/DATABASE_URL=postgres:\S+ hypervisor up/);
    const refusedUp = await start(at('data'), null).catch((error: unknown) => error);
    expect(String(refusedUp)).toContain('this installation was moved to');

    const embedded = await startEmbeddedPostgres({ dataDir: at('data') });
    const [there, here] = [await contentsOf(movedTo), await contentsOf(embedded.url)];
    await embedded.stop();
    // What has changed since planners last looked is left behind, as nobody has looked at the new place; so are processes, and what they held.
    const leftBehind = ['planner_change', 'lease', 'process', 'pass_request', 'simulated_container'];
    expect(there).toEqual({ ...here, ...Object.fromEntries(leftBehind.map((name) => [name, { rows: '0', sum: '' }])) });
    expect(Object.values(there).filter(({ rows }) => rows !== '0').length).toBeGreaterThan(15);
  });

  test('goes on at the new place: secrets, events, webhooks; what ran is noticed', async () => {
    const { url } = await start(at('data'), movedTo);
    owner = new Client(url, owner.token);
    const all = await owner.all<{ name: string | null; id: string; status: string }>('/deployments');
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['lasting', 'waiting']));
    expect(await secretAsRead()).toContain('tab\there, back\\slash, ünïcode and');
    await eventsGoOn(movedTo);
    // Simulated containers end with their process: as after any restart, that is seen, and the service begun again.
    const lasting = all.find(({ name }) => name === 'lasting')!;
    const ofBefore = new Set(['deployment.submitted', 'deployment.admitted', 'deployment.started']);
    await until('what vanished is noticed', async () => {
      const events = await owner.eventsOf(lasting.id);
      return events.length > ofBefore.size || events.some(({ type }) => !ofBefore.has(type));
    });
    await stop();
  });

  test('is moved nowhere that holds one, or anything else', async () => {
    const twice = await hv('migrate-to', movedTo, '--data-dir', at('data'));
    expect(twice.err).toContain('holds this installation already, whole');
    const other = await emptyDatabase();
    await query(other, 'create table theirs ()');
    expect((await hv('migrate-to', other, '--data-dir', at('data'))).err).toContain('is not empty: it has "theirs"');
    expect((await hv('migrate-to', 'postgres://127.0.0.1:1/x', '--data-dir', at('data'))).err).toContain(
      "can't be reached: nothing listens there",
    );
    expect((await hv('migrate-to', other, '--data-dir', at('nowhere'))).err).toContain('no embedded PostgreSQL in');
    expect(await exists(at('nowhere'))).toBe(false);
  });

  test('is restored only where nothing is, unless that is said; then it is as it was', async () => {
    const refused = await hv('restore', at('full.hvbackup'), '--data-dir', at('data'), '--database-url', movedTo);
    expect(refused.err).toContain('holds this installation already');
    const replaced = await hv(
      'restore',
      at('plain.hvbackup'),
      '--data-dir',
      at('data'),
      '--database-url',
      movedTo,
      '--replace',
    );
    expect(replaced.out).toContain('Secrets can be read');
    const { url } = await start(at('data'), movedTo);
    owner = new Client(url, owner.token);
    await eventsGoOn(movedTo);
    const busy = await hv(
      'restore',
      at('full.hvbackup'),
      '--data-dir',
      at('data'),
      '--database-url',
      movedTo,
      '--replace',
    );
    expect(busy.err).toContain('a control plane runs on');
    await stop();
  });

  test('is restored to an embedded PostgreSQL, without its key, and says what is missing', async () => {
    const restored = await hv('restore', at('plain.hvbackup'), '--data-dir', at('fresh'));
    expect(restored.err).not.toContain('error');
    expect(restored.out).toContain(`put the secret.key of then at ${at('fresh/secret.key')}`);
    const { url } = await start(at('fresh'), null);
    owner = new Client(url, owner.token);
    await eventsGoOn(await urlOfRunning(at('fresh')), { isTold: false });
    await stop();
    const other = await hv('restore', at('full.hvbackup'), '--data-dir', at('fresh'), '--replace');
    expect(other.err).toContain('has another secret.key than the backup');
  });

  test('that others have dumped and brought to a server goes on, too', async () => {
    await query(movedTo, `update event set tx = (tx::text::numeric + 9000000000000)::text::xid8`);
    await query(movedTo, `update webhook set cursor_tx = (cursor_tx::text::numeric + 9000000000000)::text::xid8`);
    const { url } = await start(at('data'), movedTo);
    owner = new Client(url, owner.token);
    await eventsGoOn(movedTo);
    await stop();
  });
});

function pidOf(client: pg.Client): number {
  return (client as unknown as { processID: number }).processID;
}

test('a file that is cut off, damaged or none of ours changes nothing, and says so', async () => {
  const target = await emptyDatabase();
  const full = await readFile(at('full.hvbackup'));
  const files = {
    'cut.hvbackup': full.subarray(0, full.length - 40),
    'text.hvbackup': Buffer.from('hello'),
    'damaged.hvbackup': Buffer.concat([full.subarray(0, 3000), Buffer.alloc(200), full.subarray(3200)]),
  };
  for (const [name, data] of Object.entries(files)) {
    await writeFile(at(name), data);
    const refused = await hv('restore', at(name), '--data-dir', at('elsewhere'), '--database-url', target);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/is no backup of Hypervisor|damaged or cut off/);
    expect(refused.err).not.toContain('    at ');
  }
  const missing = await hv('restore', at('missing.hvbackup'), '--database-url', target);
  expect(missing.err).toContain('there is no file');
  expect(await tablesIn(target)).toBe(0);
  await truncate(at('text.hvbackup'));
  expect((await hv('restore', at('text.hvbackup'), '--database-url', target)).err).toContain('error: ');
});
