import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Held, type HolderIdentity, hold } from '../../test/support/held.ts';
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.ts';
import { exists } from './files.ts';
import { canReach } from './postgres/os-user.ts';
import { isRunning } from './process.ts';

interface Told {
  readonly url: string;
  readonly pid: number;
}

const isRoot = process.getuid?.() === 0;
const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
const sources = dirname(fileURLToPath(import.meta.url));
const canBeNobody = isRoot && (await canReach(sources, nobody));
const hasSystem = await exists('/usr/lib/postgresql');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hv-pg-'));
  await chmod(root, 0o755);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let directories = 0;
function newDataDir(): string {
  directories += 1;
  return join(root, `data-${directories}`);
}

async function start(options: EmbeddedPostgresOptions) {
  const postgres = await startEmbeddedPostgres(options);
  onTestFinished(() => postgres.stop());
  return postgres;
}

async function holdPostgres(options: EmbeddedPostgresOptions, as?: HolderIdentity): Promise<Held<Told>> {
  const held = await hold<Told>('postgres', options, as);
  onTestFinished(() => held.release());
  return held;
}

async function query(url: string, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

const kinds = [
  { binaries: 'system', present: hasSystem },
  { binaries: 'npm', present: true },
] as const;

describe.each(kinds)('with $binaries binaries', ({ binaries, present }) => {
  test.runIf(present)(
    'keeps what was committed, syncs to disk, listens to nobody else, and leaves nothing running',
    async () => {
      const dataDir = newDataDir();
      const first = await startEmbeddedPostgres({ dataDir, binaries });
      expect(await query(first.url, 'select current_database(), current_user')).toEqual([['hypervisor', 'hypervisor']]);
      const settings = ['fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'password_encryption'];
      const shown = await Promise.all(settings.map((name) => query(first.url, `show ${name}`)));
      expect(shown.flat(2)).toEqual(['on', 'on', 'on', '', 'scram-sha-256']);
      await query(first.url, 'create table kept as select 42 as answer');
      await first.stop();
      await first.stop();
      expect(isRunning(first.pid)).toBe(false);
      const second = await start({ dataDir, binaries });
      expect(await query(second.url, 'select answer from kept')).toEqual([[42]]);
    },
  );

  test.runIf(present && canBeNobody)('runs for an ordinary user', async () => {
    const home = newDataDir();
    await mkdir(home);
    await chown(home, nobody.uid, nobody.gid);
    const held = await holdPostgres({ dataDir: join(home, 'data'), binaries }, { ...nobody, home });
    expect(await query(held.told.url, 'select 1')).toEqual([[1]]);
    await held.release();
    expect(isRunning(held.told.pid)).toBe(false);
  });
});

test('an existing data directory gets the binaries of its version', async () => {
  const dataDir = newDataDir();
  const made = await startEmbeddedPostgres({ dataDir, binaries: 'npm' });
  const version = await query(made.url, 'show server_version_num');
  await made.stop();
  const again = await start({ dataDir });
  expect(await query(again.url, 'show server_version_num')).toEqual(version);
});

describe('a control plane that was killed', () => {
  test('leaves nothing that keeps the next one from starting, and nothing committed is lost', async () => {
    const dataDir = newDataDir();
    let pids: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const held = await holdPostgres({ dataDir });
      await query(held.told.url, 'create table if not exists round (n int)');
      await query(held.told.url, `insert into round values (${round})`);
      pids = [...pids, held.told.pid];
      await held.kill();
    }
    const next = await start({ dataDir });
    expect(await query(next.url, 'select n from round order by n')).toEqual([[0], [1], [2]]);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test('so is one whose server was killed too, even if nobody reaps it or its id is another process', async () => {
    const dataDir = newDataDir();
    const held = await holdPostgres({ dataDir });
    await query(held.told.url, 'create table kept as select 7 as answer');
    const record = join(dataDir, 'postgres', 'data', 'postmaster.pid');
    const recorded = await readFile(record, 'utf8');
    process.kill(held.told.pid, 'SIGKILL');
    await held.kill();
    const other = spawn('sleep', ['600']);
    onTestFinished(() => void other.kill());
    await vi.waitFor(() => expect(isRunning(held.told.pid)).toBe(false), { timeout: 60_000 });
    await writeFile(record, recorded.replace(/^\d+/, String(other.pid)));
    const next = await start({ dataDir });
    expect(await query(next.url, 'select answer from kept')).toEqual([[7]]);
    expect(isRunning(other.pid!)).toBe(true);
  });
});

describe('a second control plane on the same data directory', () => {
  const refusal = /another Hypervisor uses the data directory .*: stop it, or choose another with --data-dir/;

  test('is refused in words, and the first goes on', async () => {
    const dataDir = newDataDir();
    const first = await start({ dataDir });
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(refusal);
    await expect(hold('postgres', { dataDir })).rejects.toThrow(refusal);
    expect(await query(first.url, 'select 1')).toEqual([[1]]);
  });

  test('is refused also after every connection of the first broke', async () => {
    const dataDir = newDataDir();
    const first = await start({ dataDir });
    await query(
      first.url,
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename is not null',
    );
    const isHeld = async () => {
      const [[held] = []] = await query(first.url, "select count(*)::int from pg_locks where locktype = 'advisory'");
      expect(held).toBe(1);
    };
    await vi.waitFor(isHeld, { timeout: 60_000 });
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(refusal);
  });

  test('of two first starts at the same time one wins, and the other is refused', async () => {
    const dataDir = newDataDir();
    const results = await Promise.allSettled([holdPostgres({ dataDir }), holdPostgres({ dataDir })]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected');
    expect(String(refused?.reason)).toMatch(refusal);
  });
});

test('a path that is too long for a socket does not matter, and its short one goes with the server', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: join(newDataDir(), 'x'.repeat(120)) });
  expect(await query(postgres.url, 'select 1')).toEqual([[1]]);
  const socket = decodeURIComponent(new URL(postgres.url).hostname);
  expect(await exists(socket)).toBe(true);
  await postgres.stop();
  expect(await exists(socket)).toBe(false);
});

test.runIf(isRoot)('a data directory that only root may enter is refused with what to do', async () => {
  const home = newDataDir();
  await mkdir(home, { mode: 0o700 });
  await expect(startEmbeddedPostgres({ dataDir: join(home, 'data') })).rejects.toThrow(
    /choose a data directory that others may enter/,
  );
});

test('a server that does not come up is told with the end of its log', async () => {
  const dataDir = newDataDir();
  const first = await startEmbeddedPostgres({ dataDir });
  await first.stop();
  await rm(join(dataDir, 'postgres', 'data', 'global'), { recursive: true });
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/did not come up; its log, .*:\n[^]*pg_control/);
});

test("a password that is not the server's is told at once", async () => {
  const dataDir = newDataDir();
  const first = await start({ dataDir });
  await writeFile(join(dataDir, 'postgres', 'data', 'hypervisor.password'), 'wrong');
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/refuses the password/);
  expect(await query(first.url, 'select 1')).toEqual([[1]]);
});
