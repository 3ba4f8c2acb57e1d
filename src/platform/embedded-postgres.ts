/**
 * The embedded default: a real PostgreSQL, started as a child on a Unix socket in the data directory, for whoever has not
 * set DATABASE_URL. It stays our own: a second control plane on the same data directory is refused.
 */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { endOf, exists } from './files.ts';
import { type BinariesChoice, findBinaries } from './postgres/binaries.ts';
import { dataMajor, initialize, superuser } from './postgres/cluster.ts';
import { type Layout, makeLayout } from './postgres/layout.ts';
import { type OsUser, serverUser } from './postgres/os-user.ts';
import { claim, type Ownership } from './postgres/ownership.ts';
import { serverPid, spawnServer } from './postgres/server.ts';
import { endProcess } from './process.ts';

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
const pollMs = 20;
/** A server that ends by itself is started again: the processes of a killed one may still be ending. But not for ever. */
const attemptsMax = 20;
const attemptPauseMs = 250;
/** The connections of a control plane that was killed just now are still being noticed as broken. */
const takenMs = 2_000;

/**
 * Starts the server, or adopts the one that a killed control plane left running.
 *
 * @throws in plain words where another control plane uses the data directory, where there is no PostgreSQL, or where it does not
 * come up (with the end of its log).
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = await serverUser();
  const layout = await makeLayout(options.dataDir, user);
  const binaries = await findBinaries({
    choice: options.binaries ?? 'auto',
    dataMajor: await dataMajor(layout),
    user,
    copyTo: layout.binaries,
  });
  if (!(await exists(layout.data))) await initialize(layout, binaries, user);
  const urlOf = await urlsOf(layout);
  const ownership = await bringUp({
    layout,
    user,
    executable: join(binaries.dir, 'postgres'),
    url: urlOf('postgres'),
    dataDir: options.dataDir,
  });
  await createDatabase(ownership.client);
  const pid = await serverPid(layout);
  if (pid === null) throw new Error(`the embedded PostgreSQL ended as soon as it was up:\n${await endOf(layout.log)}`);
  let stopping: Promise<void> | null = null;
  return {
    url: urlOf(database),
    pid,
    stop() {
      stopping ??= stopServer(layout, ownership);
      return stopping;
    },
  };
}

async function urlsOf(layout: Layout): Promise<(name: string) => string> {
  const password = await readFile(layout.password, 'utf8').catch((error: unknown) => {
    throw new Error(`the embedded PostgreSQL's password can't be read: restore ${layout.password}`, { cause: error });
  });
  return (name) => `postgres://${superuser}:${password.trim()}@${encodeURIComponent(layout.socket)}/${name}`;
}

interface Server {
  readonly layout: Layout;
  readonly user: OsUser | null;
  readonly executable: string;
  readonly url: string;
  readonly dataDir: string;
}

/**
 * Until the server answers: start it if nothing runs, adopt what does, and wait for one that is just ending. Whoever gets the
 * owner's lock has the data directory.
 */
async function bringUp({ layout, user, executable, url, dataDir }: Server): Promise<Ownership> {
  const startedAt = Date.now();
  let takenSince: number | null = null;
  let attempts = 0;
  let attemptedAt = 0;
  let child: ChildProcess | null = null;
  for (;;) {
    const answer = await claim(url);
    if (answer.kind === 'owned') return answer.ownership;
    const now = Date.now();
    if (answer.kind === 'taken') {
      takenSince ??= now;
      if (now - takenSince > takenMs) {
        throw new Error(
          `another Hypervisor uses the data directory ${dataDir}: stop it, or choose another with --data-dir`,
        );
      }
    } else if (!isUp(child) && (await serverPid(layout)) === null && now - attemptedAt > attemptPauseMs) {
      if (attempts === attemptsMax) throw await didNotComeUp(layout);
      attempts += 1;
      attemptedAt = now;
      child = await spawnServer(layout, executable, user);
    }
    if (now - startedAt > startMs) throw await didNotComeUp(layout);
    await sleep(pollMs);
  }
}

function isUp(child: ChildProcess | null): boolean {
  return child !== null && child.exitCode === null && child.signalCode === null;
}

async function didNotComeUp(layout: Layout): Promise<Error> {
  return new Error(
    `the embedded PostgreSQL did not come up; its log, ${layout.log}, says why:\n${await endOf(layout.log)}`,
  );
}

async function createDatabase(client: pg.Client): Promise<void> {
  const found = await client.query('select 1 from pg_database where datname = $1', [database]);
  if (found.rowCount === 0) await client.query(`create database ${database}`);
}

async function stopServer(layout: Layout, ownership: Ownership): Promise<void> {
  const pid = await serverPid(layout);
  await ownership.release(async () => {
    // "Fast": what is connected is cut off, and the server writes everything down and ends.
    if (pid !== null) await endProcess(pid, { signal: 'SIGINT', name: 'the embedded PostgreSQL', timeoutMs: stopMs });
  });
}
