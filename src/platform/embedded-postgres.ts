/**
 * The embedded default: a real PostgreSQL, started as a child on a Unix socket in the data directory, for whoever has not
 * set DATABASE_URL. It stays our own: a second control plane on the same data directory is refused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type BinariesChoice, findBinaries } from './postgres/binaries.ts';
import { dataMajor, identity, initialize, superuser } from './postgres/cluster.ts';
import { type Layout, makeLayout } from './postgres/layout.ts';
import { type OsUser, serverUser } from './postgres/os-user.ts';

export interface EmbeddedPostgres {
  /** A connection string of its database `hypervisor`. */
  readonly url: string;
  readonly pid: number;
  /** Ends it cleanly: open transactions are rolled back, everything committed is on disk. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** Default: a system installation's where there is one, else the npm package's. */
  readonly binaries?: BinariesChoice;
}

const database = 'hypervisor';
const startMs = 60_000;
const stopMs = 30_000;
/** Held by a connection for as long as a control plane lives: a killed one gives it up at once. */
const ownerLock = 7_214_600;

const settings: Record<string, string> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  // Stated, since everything rests on it: what was acknowledged is on disk.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // One server without replicas: no more is logged than recovery needs.
  wal_level: 'minimal',
  max_wal_senders: '0',
  jit: 'off',
  max_wal_size: '1GB',
};

/**
 * Starts the server, or adopts the one that a killed control plane left running.
 *
 * @throws in plain words where another control plane uses the data directory, where there is no PostgreSQL, or where it does not
 * come up (with the end of its log).
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = await serverUser();
  const layout = await makeLayout(options.dataDir, user);
  const binaries = await findBinaries(options.binaries ?? 'auto', await dataMajor(layout), user, layout.binaries);
  if (!(await isComplete(layout))) {
    await rm(layout.data, { recursive: true, force: true });
    await makeLayout(options.dataDir, user);
    await initialize(layout, binaries, user);
  }
  const password = (await readFile(layout.password, 'utf8')).trim();
  const urlOf = (name: string) => `postgres://${superuser}:${password}@${encodeURIComponent(layout.socket)}/${name}`;
  const { child, owner } = await bringUp(
    layout,
    join(binaries.dir, 'postgres'),
    user,
    urlOf('postgres'),
    options.dataDir,
  );
  const exists = await owner.query('select 1 from pg_database where datname = $1', [database]);
  if (exists.rowCount === 0) await owner.query(`create database ${database}`);
  const pid = await serverPid(layout);
  let stopping: Promise<void> | null = null;
  return {
    url: urlOf(database),
    pid,
    stop() {
      stopping ??= stopServer(pid, child, owner);
      return stopping;
    },
  };
}

/** `global/pg_control` is written near the end of initdb, and PG_VERSION near its beginning. */
async function isComplete(layout: Layout): Promise<boolean> {
  const files = [join(layout.data, 'PG_VERSION'), join(layout.data, 'global', 'pg_control'), layout.password];
  const found = await Promise.all(
    files.map((file) =>
      readFile(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}

/**
 * Until the server answers: start it if nothing runs, adopt what does, and wait for one that is just ending. Whoever gets the
 * owner's lock has the data directory.
 */
async function bringUp(
  layout: Layout,
  executable: string,
  user: OsUser | null,
  url: string,
  dataDir: string,
): Promise<{ child: ChildProcess | null; owner: pg.Client }> {
  const deadline = Date.now() + startMs;
  let child: ChildProcess | null = null;
  for (;;) {
    const owner = await connect(url);
    if (owner !== null) {
      const { rows } = await owner.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [ownerLock]);
      if (rows[0]?.mine === true) return { child: child?.exitCode === null ? child : null, owner };
      await owner.end();
      throw new Error(
        `another Hypervisor uses the data directory ${dataDir}: stop it, or choose another with --data-dir`,
      );
    }
    if (Date.now() > deadline) throw new Error(`the embedded PostgreSQL did not come up:\n${await endOfLog(layout)}`);
    if (child === null || child.exitCode !== null || child.signalCode !== null)
      child = await spawnServer(layout, executable, user);
    await sleep(50);
  }
}

async function connect(url: string): Promise<pg.Client | null> {
  const client = new pg.Client({ connectionString: url, application_name: 'hypervisor owner' });
  // The server may go away under it; whoever queries will notice.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { code } = error as { code?: string };
    // 28P01: it is our server, and not our password: waiting does not help.
    if (code === '28P01')
      throw new Error(
        'the embedded PostgreSQL refuses the password in its data directory: restore the file "password"',
        { cause: error },
      );
    return null;
  }
}

async function spawnServer(layout: Layout, executable: string, user: OsUser | null): Promise<ChildProcess> {
  const log = await open(layout.log, 'a', 0o640);
  try {
    const options = Object.entries({ ...settings, unix_socket_directories: layout.socket }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const child = spawn(executable, ['-D', layout.data, ...options], {
      ...identity(user),
      cwd: '/',
      // Of a session of its own: Ctrl-C in the terminal ends us first, and we end it.
      detached: true,
      // Into a file, not a pipe: it outlives a parent that is killed.
      stdio: ['ignore', log.fd, log.fd],
    });
    child.on('error', () => {});
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function serverPid(layout: Layout): Promise<number> {
  return Number((await readFile(join(layout.data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function stopServer(pid: number, child: ChildProcess | null, owner: pg.Client): Promise<void> {
  await owner.end().catch(() => {});
  if (!isAlive(pid, child)) return;
  // "Fast": what is connected is cut off, and the server writes everything down and ends.
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + stopMs;
  while (isAlive(pid, child)) {
    if (Date.now() > deadline) throw new Error(`the embedded PostgreSQL (process ${pid}) does not end`);
    await sleep(20);
  }
}

function isAlive(pid: number, child: ChildProcess | null): boolean {
  if (child !== null && child.pid === pid) return child.exitCode === null && child.signalCode === null;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function endOfLog(layout: Layout): Promise<string> {
  const text = await readFile(layout.log, 'utf8').catch(() => '');
  return text.split('\n').slice(-15).join('\n');
}
