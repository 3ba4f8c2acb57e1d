/**
 * The one part that is not simulated: a real PostgreSQL of the simulation's own, with the real tables. Only its clock is the
 * simulation's: `now()` is found in a schema that comes before PostgreSQL's own.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { Session } from './session.ts';
import { realSleep, turnOfEventLoop } from './world.ts';

/** So long a statement may take before it is asked whether it waits for a lock. */
const patienceMs = 10;
/** Rows that were deleted make tables long: after so many histories they are tidied up. */
const tidyEvery = 100;

/** What a history leaves behind, those that refer to others first. */
const tablesOfHistory = [
  'allocation',
  'claim',
  'replica_log',
  'replica_run',
  'replica',
  'idempotency_key',
  'pass_waiting',
  'pass',
  'event',
  'revision',
  'deployment_file',
  'port_claim',
  'deployment',
  'gpu_device',
  'node',
  'lease',
  'process',
  'simulated.pg_stat_activity',
  'cluster',
  'organization',
  'planner_change',
] as const;

export class DatabaseServer {
  readonly url: string;
  readonly dir: string;
  readonly #monitor: pg.Client;
  readonly #end: () => Promise<void>;
  readonly #sessions: Session[] = [];
  #databaseTime: () => number = () => 0;
  #cleaned = 0;
  /** What is done for those who come and go: it ends by itself. */
  readonly #chores = new Set<Promise<unknown>>();

  private constructor(url: string, dir: string, monitor: pg.Client, end: () => Promise<void>) {
    this.url = url;
    this.dir = dir;
    this.#monitor = monitor;
    this.#end = end;
  }

  static async start(): Promise<DatabaseServer> {
    const dir = await mkdtemp(join(tmpdir(), 'hypervisor-faults-'));
    // PostgreSQL runs as another user where we are root.
    await chmod(dir, 0o755);
    const server = await startEmbeddedPostgres({ dataDir: dir });
    const end = async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    };
    try {
      await prepare(server.url);
      const monitor = new pg.Client({ connectionString: server.url });
      await monitor.connect();
      return new DatabaseServer(server.url, dir, monitor, end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** From now on its clock shows this. */
  keepTime(databaseTime: () => number): void {
    this.#databaseTime = databaseTime;
  }

  /** A session that nobody uses, or a new one. */
  async session(): Promise<Session> {
    const session = this.#sessions.find((one) => one.isFree) ?? (await this.#chore(this.#open()));
    session.isFree = false;
    return session;
  }

  async #open(): Promise<Session> {
    const session = await Session.open(this.url, () => this.#databaseTime());
    this.#sessions.push(session);
    return session;
  }

  async #chore<T>(work: Promise<T>): Promise<T> {
    this.#chores.add(work);
    try {
      return await work;
    } finally {
      this.#chores.delete(work);
    }
  }

  /** What is there before anything happens. */
  async setUp(statements: string): Promise<void> {
    await this.#monitor.query(statements);
  }

  /** What all others have committed. */
  async look<Row extends pg.QueryResultRow>(name: string, text: string): Promise<Row[]> {
    return (await this.#monitor.query<Row>({ name, text, values: [] })).rows;
  }

  /**
   * Waits until every statement has answered or waits for a lock. Which of the two is a matter of what others hold, and so of the
   * history and not of real time.
   */
  async settle(): Promise<void> {
    let askedAfter = -1;
    for (;;) {
      while (this.#chores.size > 0) {
        await Promise.allSettled(this.#chores);
        await turnOfEventLoop();
      }
      const underWay = this.#sessions.filter((session) => session.statement !== null);
      if (underWay.length === 0) return;
      const answered = answersOf(this.#sessions);
      if (underWay.every((session) => session.isWaiting) && answered === askedAfter) return;
      const running = underWay.filter((session) => !session.isWaiting);
      if (running.length > 0) {
        await Promise.race([realSleep(patienceMs), ...running.map((session) => session.statement)]);
        await turnOfEventLoop();
        if (this.#sessions.every((session) => session.statement === null)) return;
        if (running.some((session) => session.statement === null) && running.length > 1) continue;
      }
      askedAfter = answersOf(this.#sessions);
      await this.#noteWaiting();
    }
  }

  async #noteWaiting(): Promise<void> {
    const { rows } = await this.#monitor.query<{ pid: number }>('select distinct pid from pg_locks where not granted');
    const waiting = new Set(rows.map(({ pid }) => pid));
    for (const session of this.#sessions) session.isWaiting = session.statement !== null && waiting.has(session.pid);
  }

  /** Ends what a session is at, whatever that is: as the server does when its client is gone. */
  abandon(session: Session): Promise<void> {
    return this.#chore(this.#abandon(session));
  }

  async #abandon(session: Session): Promise<void> {
    if (session.statement !== null) {
      const { statement } = session;
      await this.#monitor.query('select pg_cancel_backend($1)', [session.pid]);
      await statement.catch(() => undefined);
    }
    await session.rollback();
    session.isFree = true;
  }

  /** The connection by which a process was known is gone. */
  hangUp(pid: number): void {
    void this.#chore(this.#monitor.query('delete from simulated.pg_stat_activity where pid = $1', [pid]));
  }

  /** As if there had never been anything in it. */
  async clean(): Promise<void> {
    for (const session of this.#sessions) if (!session.isFree) await this.abandon(session);
    const deletions = tablesOfHistory.map((table) => `delete from ${table};`).join('');
    // Whatever state a planted fault has left: without triggers, that would count once more.
    await this.#monitor.query(
      `set session_replication_role = replica; ${deletions} set session_replication_role = origin`,
    );
    this.#cleaned += 1;
    if (this.#cleaned % tidyEvery === 0) await this.#monitor.query('vacuum');
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) await session.end();
    await this.#monitor.end();
    await this.#end();
  }
}

const answersOf = (sessions: readonly Session[]) => sessions.reduce((sum, { answered }) => sum + answered, 0);

async function prepare(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`
      create schema simulated;
      create function simulated.now() returns timestamptz language sql stable as
        $$ select to_timestamp(coalesce(nullif(current_setting('simulated.now', true), ''), '0')::float8) $$;
      create function simulated.clock_timestamp() returns timestamptz language sql stable as
        $$ select to_timestamp(coalesce(nullif(current_setting('simulated.now', true), ''), '0')::float8) $$;
      -- The connections by which simulated processes are known to live.
      create table simulated.pg_stat_activity (pid integer primary key, backend_start timestamptz, datid oid, backend_type text);
      alter database hypervisor set search_path = simulated, pg_catalog, public;
      -- Nothing of it has to survive.
      alter database hypervisor set synchronous_commit = off;
      -- Two who wait for each other are found by PostgreSQL itself; the simulation need not wait for that.
      alter database hypervisor set deadlock_timeout = '20ms'`);
    // It would work at times of its own, and hold back what counts as old.
    await client.query('alter system set autovacuum = off');
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
  const db = openDatabase(url, { max: 1 });
  try {
    await migrate(db);
  } finally {
    await db.destroy();
  }
}
