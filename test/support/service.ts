/** A control plane of a test's own: a fresh database, a data directory that goes with it, a free port. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { compiled } from '../../scripts/compiled.mjs';
import { type Config, makeConfig } from '../../src/config.ts';
import { createTestDatabase } from './database.ts';
import { enginePort } from './engine-port.ts';
import { end, spawnChild, spawnProcess } from './service-child.ts';

// As the product itself starts; to load its modules one by one takes each file of tests several seconds.
const { startHypervisor } = (await import(await compiled('src/main.ts'))) as typeof import('../../src/main.ts');

export interface ServiceOptions {
  /** What carries tasks; default what HYPERVISOR_TEST_QUEUE says, else PostgreSQL. */
  readonly queue?: 'postgres' | 'redis';
  /** Overrides anything of the configuration. */
  readonly config?: Partial<Config>;
  /** Gets what the service logs; only for one in this process. */
  readonly log?: Logger;
}

interface Installation {
  readonly databaseUrl: string;
  readonly config: Partial<Config>;
  /** Looks into the database: only to prove that nothing is left behind. */
  sql<Row extends pg.QueryResultRow>(query: string, values?: unknown[]): Promise<Row[]>;
  /**
   * Waits until all that has happened so far can be read as events: they are shown once no older transaction of this database is
   * under way.
   */
  eventsTold(): Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface TestService extends Omit<Installation, 'remove'> {
  readonly url: string;
  /** Stops the service, removes its containers, its database and its data directory. */
  stop(): Promise<void>;
}

/** A service in a process of its own: it can be killed, and started again on the same database and data directory. */
export interface SpawnedService extends TestService {
  /** Of the process as it is now. */
  pid(): number | undefined;
  /** `kill -9`, without any good-bye. Resolves once the process is gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Starts it and kills it after so many milliseconds, wherever it has got to by then. */
  startAndKill(afterMs: number): Promise<void>;
}

/** In this process: the quick way. */
export async function startTestService(options: ServiceOptions = {}): Promise<TestService> {
  const { remove, ...installation } = await createInstallation(options);
  const hooks = options.log === undefined ? {} : { log: options.log };
  const service = await startHypervisor(makeConfig(installation.config, {}), hooks);
  return {
    ...installation,
    url: service.url,
    async stop() {
      await service.stop();
      await remove();
    },
  };
}

export async function spawnTestService(options: ServiceOptions = {}): Promise<SpawnedService> {
  const { remove, ...installation } = await createInstallation(options);
  // Clients keep its address over a restart, as they would.
  let running = await spawnProcess(installation.config);
  const { url } = running;
  const config = { ...installation.config, port: Number(new URL(url).port) };
  return {
    ...installation,
    config,
    url,
    pid: () => running.child.pid,
    kill: () => end(running.child, 'SIGKILL'),
    async restart() {
      running = await spawnProcess(config);
    },
    async startAndKill(afterMs) {
      const child = spawnChild(config);
      child.stdout?.resume();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await end(child, 'SIGKILL');
    },
    async stop() {
      await end(running.child, 'SIGTERM');
      await remove();
    },
  };
}

/**
 * Makes room for a trigger to be the one that decides: after a pass that took long, the scheduler leaves the cluster alone for a
 * while. Here because the cluster's row was locked meanwhile, and once more directly afterwards: a regular pass that came due
 * during the first lock would else be a short one. Not a promise, only very likely: callers look who it was.
 */
export async function holdRegularPasses(service: TestService, clusterId: string, pass: () => Promise<unknown>) {
  const lock = () =>
    service.sql(
      'with held as materialized (select id from cluster where id = $1 for update) select pg_sleep(0.7) from held',
      [clusterId],
    );
  const first = lock();
  await sleep(100);
  const passed = pass();
  await sleep(100);
  // In line behind the pass, and before any that comes after it.
  const second = lock();
  await Promise.all([first, passed, second]);
  await sleep(100);
}

async function createInstallation(options: ServiceOptions): Promise<Installation> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hv-test-'));
  const database = options.config?.databaseUrl == null ? await createTestDatabase() : null;
  const databaseUrl = options.config?.databaseUrl ?? database?.url ?? '';
  const engine = enginePort();
  const config: Partial<Config> = {
    dataDir,
    databaseUrl,
    redisUrl:
      (options.queue ?? process.env['HYPERVISOR_TEST_QUEUE']) === 'redis'
        ? required('HYPERVISOR_TEST_REDIS_URL')
        : null,
    dockerHost: engine?.host ?? null,
    port: 0,
    registration: 'open',
    signInsPerMinute: 100_000,
    logLevel: process.env['HYPERVISOR_TEST_LOG'] ?? 'fatal',
    ...options.config,
  };
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  // The server may be stopped by the test.
  pool.on('error', () => undefined);
  return {
    databaseUrl,
    config,
    async sql<Row extends pg.QueryResultRow>(query: string, values: unknown[] = []) {
      return (await pool.query<Row>(query, values)).rows;
    },
    async eventsTold() {
      const last = 'select max(tx)::text as tx from event';
      const { rows } = await pool.query<{ tx: string | null }>(last);
      const told = 'select 1 where event_horizon() > $1::xid8';
      while ((await pool.query(told, [rows[0]?.tx ?? '0'])).rows.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async remove() {
      const ids = await deploymentsEver(pool);
      await engine?.removeContainersOf(ids);
      await pool.end();
      await database?.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The deployments of an installation, also those that are deleted: whose containers a test may have left. */
async function deploymentsEver(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool
    .query<{ id: string }>('select distinct deployment_id as id from event where deployment_id is not null')
    .catch(() => ({ rows: [] }));
  return rows.map((row) => row.id);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the global set-up starts what it names`);
  return value;
}
