/** One installation of eight processes, with people at work on two simulated clusters and one with containers, watched by an auditor. */
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { ProcessRole } from '../../src/process-roles.ts';
import { randomOf } from '../../src/simulate/random.ts';
import { type Client, newOwner, until } from '../conformance/client.ts';
import type { EnginePort } from '../support/engine-port.ts';
import { auditEnd, auditServices } from './end.ts';
import type { Linked } from './faults.ts';
import { Findings } from './findings.ts';
import { type Ground, openGround } from './ground.ts';
import { KeptProcess } from './kept-process.ts';
import { link } from './links.ts';
import { Person } from './person.ts';
import { Promises } from './promises.ts';
import { RetryingClient } from './retrying.ts';
import { logSimulated } from './simulated-log.ts';
import { Watch } from './watch.ts';
import type { Place } from './wishes.ts';

const roles: readonly ProcessRole[] = ['api', 'api', 'api', 'scheduler', 'scheduler', 'worker', 'worker', 'worker'];
const peopleOnSimulated = 6;
const pauseMs = 350;
/** A container costs a second of the processor. */
const pauseOnDockerMs = 2500;
const readyMs = 90_000;
/** What of all that was submitted has not ended: enough to fill the clusters and to queue before them, and no more than what a busy machine works off soon. */
const unendedMax = 60;

export interface Stage {
  readonly ground: Ground;
  readonly processes: readonly Linked[];
  readonly db: pg.Pool;
  readonly promises: Promises;
  readonly findings: Findings;
  readonly watch: Watch;
  /** People begin to work. */
  open(): void;
  /** So many answers said yes. */
  untilAcknowledged(count: number): Promise<void>;
  /** People leave, and all that they were promised is looked at: first what goes on, then, when they have ended it, what came of everything. */
  close(): Promise<void>;
  /** Ends all that was started. Where something was found, what the processes logged is kept: it is in this file. */
  remove(): Promise<string | null>;
}

interface Options {
  readonly seed: number;
  readonly engine: EnginePort;
  readonly say: (message: string) => void;
  /** Aborted where everything is to end early. */
  readonly signal: AbortSignal;
}

export async function setStage(options: Options): Promise<Stage> {
  const undo: (() => unknown)[] = [];
  const remove = async () => {
    for (const one of undo.toReversed()) await one();
  };
  try {
    return await build(options, undo, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function build(
  { seed, engine, say, signal }: Options,
  undo: (() => unknown)[],
  remove: () => Promise<void>,
): Promise<Stage> {
  const findings = new Findings(signal, ({ rule, message }) => say(`FOUND: ${rule}: ${message}`));
  const directory = await mkdtemp(join(tmpdir(), 'hv-chaos-'));
  const logPath = join(directory, 'processes.log');
  undo.push(() => (findings.all.length === 0 ? rm(directory, { recursive: true, force: true }) : undefined));
  const log = openSync(logPath, 'a');
  undo.push(() => closeSync(log));

  const ground = await openGround(() => undefined);
  undo.push(() => ground.stop());
  const db = new pg.Pool({
    connectionString: ground.postgres.url,
    max: 3,
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
  });
  // PostgreSQL is killed, and more than once.
  db.on('error', () => undefined);
  undo.push(() => db.end());

  const processes = await startAll({ ground, engine, directory, log, findings, undo });
  undo.push(() => removeContainers(engine, db));
  const urls = processes.flatMap(({ process }) => (process.role === 'api' ? [process.url ?? ''] : []));
  const { rows } = await db.query<{ id: string }>('select id from installation');
  const installationId = rows[0]?.id ?? '';
  await logSimulated(db);
  const promises = new Promises();
  const watch = new Watch(db, engine, installationId, findings);
  const isCrowded = () => promises.all.length - watch.ended >= unendedMax;
  const people = await invite({ urls, engine, seed, promises, findings, isCrowded });
  const record = await engine.record();
  undo.push(() => record.stop());

  const closing = async () => {
    await Promise.all(people.map((person) => person.leave()));
    for (const { process } of processes) {
      await Promise.race([process.untilReady(), later(readyMs)]);
      if (!process.isReady)
        findings.add('does not come back', `${process.name} was not ready after ${readyMs / 1000} s`);
    }
    const engineEvents = record.events;
    const redisUrl = ground.redis.url;
    const aftermath = { db, redisUrl, engine, engineEvents, installationId, promises, findings, say };
    await auditServices(aftermath);
    await Promise.all(people.map((person) => person.endAll()));
    await auditEnd(aftermath);
    await watch.end();
  };
  return {
    ground,
    processes,
    db,
    promises,
    findings,
    watch,
    open() {
      watch.begin();
      for (const person of people) person.begin();
    },
    async untilAcknowledged(count) {
      await until(`${count} answers`, () => Promise.resolve(promises.acknowledged >= count));
    },
    close: closing,
    async remove() {
      await watch.stop();
      await remove();
      return findings.all.length === 0 ? null : logPath;
    },
  };
}

interface Starting {
  readonly ground: Ground;
  readonly engine: EnginePort;
  readonly directory: string;
  readonly log: number;
  readonly findings: Findings;
  readonly undo: (() => unknown)[];
}

async function startAll({ ground, engine, directory, log, findings, undo }: Starting): Promise<Linked[]> {
  const processes: Linked[] = [];
  for (const [index, role] of roles.entries()) {
    const ends = { databaseUrl: ground.postgres.url, redisUrl: ground.redis.url, dockerHost: engine.host };
    const { proxies, ...links } = await link(ends);
    undo.push(() => links.close());
    const { databaseUrl, redisUrl, dockerHost } = links;
    const process = new KeptProcess({
      name: `${role} ${roles.slice(0, index + 1).filter((one) => one === role).length}`,
      role,
      // They share the directory: secrets are read by all of them.
      config: {
        databaseUrl,
        redisUrl,
        dockerHost,
        dataDir: directory,
        port: 0,
        registration: 'open',
        signInsPerMinute: 100_000,
        logLevel: 'info',
      },
      log,
      onEnded: (message) => findings.add('a process ended by itself', message),
    });
    undo.push(() => process.stop());
    processes.push({ process, links: { ...links, proxies } });
    // The first one makes the tables.
    await process.untilReady();
  }
  return processes;
}

interface Inviting {
  readonly urls: readonly string[];
  readonly engine: EnginePort;
  readonly seed: number;
  readonly promises: Promises;
  readonly findings: Findings;
  readonly isCrowded: () => boolean;
}

async function invite({ urls, engine, seed, promises, findings, isCrowded }: Inviting): Promise<Person[]> {
  const owner = await newOwner(urls[0] ?? '');
  const { simulated, docker } = await makePlaces(owner, engine);
  await until('the engine is there', async () => (await owner.cluster(docker.clusterId)).status === 'ready');
  return Array.from({ length: peopleOnSimulated + 1 }, (_, index) => {
    const isOnDocker = index === peopleOnSimulated;
    const random = randomOf(seed + 1 + index);
    return new Person({
      name: `p${index + 1}`,
      client: new RetryingClient(urls, owner.token ?? '', random, findings),
      places: isOnDocker ? [docker] : simulated,
      promises,
      findings,
      random,
      pauseMs: isOnDocker ? pauseOnDockerMs : pauseMs,
      isCrowded,
    });
  });
}

async function makePlaces(owner: Client, engine: EnginePort): Promise<{ simulated: Place[]; docker: Place }> {
  const node = { ram: 32, cpu: 12 };
  const devices = [1, 2].map(() => ({ model: 'generic', memory_gb: 16 }));
  const mixed = await owner.createCluster({
    nodes: [
      { name: 'a', ...node, gpus: devices },
      { name: 'b', ...node },
    ],
  });
  const preemptive = await owner.createCluster({
    ram: 24,
    cpu: 12,
    policy: { preemption: { enabled: true, min_run_time_s: 0 } },
  });
  const real = await owner.createCluster({ runtime: 'docker', ram: 0.256, cpu: 0.8, gpu: 0 });
  const simulated = { runtime: 'simulated', image: 'simulated/job' } as const;
  return {
    simulated: [
      { ...simulated, clusterId: mixed.id, isPreemptive: false, hasGpus: true },
      { ...simulated, clusterId: preemptive.id, isPreemptive: true, hasGpus: false },
    ],
    docker: { clusterId: real.id, runtime: 'docker', image: engine.image, isPreemptive: false, hasGpus: false },
  };
}

/** What a run that failed has left. */
async function removeContainers(engine: EnginePort, db: pg.Pool): Promise<void> {
  const { rows } = await db.query<{ id: string }>('select id from deployment').catch(() => ({ rows: [] }));
  await engine.removeContainersOf(rows.map(({ id }) => id));
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
