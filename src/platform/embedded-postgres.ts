/**
 * The embedded default: a real PostgreSQL, started as a child on a Unix socket in the data directory, for whoever has not
 * set DATABASE_URL. It stays our own: a second control plane on the same data directory is refused.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { endOf, exists } from './files.ts';
import { type BinariesChoice, findBinaries } from './postgres/binaries.ts';
import { dataMajor, initialize, superuser } from './postgres/cluster.ts';
import { type Layout, makeLayout, removeSocketDir } from './postgres/layout.ts';
import { serverUser } from './postgres/os-user.ts';
import { claim, type Ownership } from './postgres/ownership.ts';
import { endServer, type ServerPlan, serverPid, spawnServer } from './postgres/server.ts';
import { isRunning, parentOf } from './process.ts';

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
  /** Default 100: more than one control plane opens. */
  readonly maxConnections?: number;
  /** Default 5,000: so long another one may still be seen to have the data directory before this one is refused. */
  readonly takenMs?: number;
}

/** Another control plane, or another command that works on the data, has it. */
export class DataDirectoryInUse extends Error {
  constructor(dataDir: string) {
    super(`another Hypervisor uses the data directory ${dataDir}: stop it, or choose another with --data-dir`);
  }
}

const database = 'hypervisor';
const startMs = 60_000;
const pollMs = 20;
/** To ask costs the server that is somebody else's a connection each time. */
const takenPollMs = 100;
/** A server that ends by itself is started again: the processes of a killed one may still be ending. But not for ever. */
const attemptsMax = 20;
const attemptPauseMs = 250;
/**
 * The connections of a control plane that was killed just now are still being noticed as broken, which takes seconds where cores
 * and disk are busy. Where the other one lives, its refusal comes so much later, and nothing else.
 */
const takenDefaultMs = 5_000;

/**
 * Starts the server; one that a killed control plane has left running is ended first.
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
  const server = await bringUp({
    layout,
    user,
    executable: join(binaries.dir, 'postgres'),
    maxConnections: options.maxConnections ?? 100,
    url: urlOf('postgres'),
    dataDir: options.dataDir,
    takenMs: options.takenMs ?? takenDefaultMs,
  });
  let stopping: Promise<void> | null = null;
  const stop = () =>
    (stopping ??= server.ownership.release(async () => {
      await endServer(server.pid);
      await removeSocketDir(layout);
    }));
  try {
    await createDatabase(server.ownership.client);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: urlOf(database), pid: server.pid, stop };
}

/** Whether there is data of an embedded server; none is made. */
export function hasEmbeddedPostgres(dataDir: string): Promise<boolean> {
  return exists(join(dataDir, 'postgres', 'data', 'PG_VERSION'));
}

/** How to reach one that somebody else has started: it goes on being theirs, and may end at any time. */
export async function urlOfRunning(dataDir: string): Promise<string> {
  const urlOf = await urlsOf(await makeLayout(dataDir, await serverUser()));
  return urlOf(database);
}

async function urlsOf(layout: Layout): Promise<(name: string) => string> {
  const password = await readFile(layout.password, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES')
      throw new Error(`${layout.data} belongs to another user: start as that user, or choose another data directory`, {
        cause: error,
      });
    throw new Error(`the embedded PostgreSQL's password can't be read: restore ${layout.password}`, { cause: error });
  });
  return (name) => `postgres://${superuser}:${password.trim()}@${encodeURIComponent(layout.socket)}/${name}`;
}

interface Plan extends ServerPlan {
  readonly url: string;
  readonly dataDir: string;
  readonly takenMs: number;
}

interface Server {
  readonly pid: number;
  readonly ownership: Ownership;
}

/**
 * Until the server answers and is ours: start it if nothing runs, wait for one that is just ending, end one whose parent was
 * killed. Whoever gets the owner's lock has the data directory.
 */
async function bringUp(plan: Plan): Promise<Server> {
  const { layout, url, takenMs } = plan;
  const startedAt = Date.now();
  let takenSince: number | null = null;
  let attempts = 0;
  let attemptedAt = 0;
  let started: number | null = null;
  while (Date.now() - startedAt < startMs) {
    const answer = await claim(url);
    const pid = await serverPid(layout);
    if (answer.kind === 'owned') {
      if (pid !== null && isOurs(pid)) return { pid, ownership: answer.ownership };
      // Left by a control plane that was killed: it is ending already, or else would run with the settings of then.
      await answer.ownership.release(() => (pid === null ? Promise.resolve() : endServer(pid)));
    } else if (answer.kind === 'taken') {
      takenSince ??= Date.now();
      if (Date.now() - takenSince > takenMs) {
        throw new DataDirectoryInUse(plan.dataDir);
      }
    } else if (pid === null && (started === null || !isRunning(started)) && Date.now() - attemptedAt > attemptPauseMs) {
      if (attempts === attemptsMax) break;
      attempts += 1;
      attemptedAt = Date.now();
      started = await spawnServer(plan);
    }
    await sleep(answer.kind === 'taken' ? takenPollMs : pollMs);
  }
  throw await didNotComeUp(layout);
}

/** Where parents can't be told (not Linux), one that answers is taken as it is. */
function isOurs(pid: number): boolean {
  const parent = parentOf(pid);
  return parent === null || parent === process.pid;
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
