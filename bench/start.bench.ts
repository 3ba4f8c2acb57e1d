import { sql } from 'kysely';
import pino from 'pino';
import { Registry } from 'prom-client';
import { createControlPlane } from '../src/control/create-control-plane.ts';
import { createControlMetrics } from '../src/control/metrics.ts';
import { openTaskQueue, type QueueBackend } from '../src/queue/bullmq.ts';
import { createSimulatedRuntime, realClock } from '../src/runtimes/simulated.ts';
import { secretKeyInMemory } from '../src/secret-key.ts';
import type { Database } from '../src/store/database.ts';
import { newId } from '../src/store/ids.ts';
import { addressRules } from '../src/webhooks/addresses.ts';
import { type Bench, type BenchContext, type Metric, median } from './support/bench.ts';
import { insertCluster, insertQueue } from './support/queue.ts';
import { openStore } from './support/store.ts';

const runs = 9;
const count = 200;
const shape = { ram: 1, cpu: 1, gpu: 0, priority: 50, timeLimit: null };

export const bench: Bench = {
  about: `From the commit that admits ${count} deployments until all of them are written down as running: the real queue and the real
workers, on a runtime that starts containers at once. The design before this one took 570 to 1,200 ms.`,
  async run(context) {
    const store = await openStore(context);
    const redis = process.env['REDIS_URL'];
    const metrics: Record<string, Metric> = {};
    if (redis === undefined) context.say('REDIS_URL is not set: tasks through Redis are not measured');
    else metrics['start_redis'] = await measure(context, store.db, { kind: 'redis', url: redis });
    metrics['start_postgres'] = await measure(context, store.db, { kind: 'postgres', url: store.url });
    return metrics;
  },
};

async function measure(context: BenchContext, db: Database, backend: QueueBackend): Promise<Metric> {
  const log = pino({ level: 'error' }, pino.destination(2));
  const simulated = createSimulatedRuntime({ clock: realClock });
  // No deployment names a cluster with Docker; the second one only fills the place.
  const runtimes = { simulated, docker: createSimulatedRuntime({ clock: realClock }) };
  const queue = await openTaskQueue({ backend, name: `bench-${newId()}`, log });
  const control = await createControlPlane({
    role: 'all',
    processId: newId(),
    signals: { tell: () => undefined, onTold: () => undefined, close: () => Promise.resolve() },
    metrics: createControlMetrics(new Registry(), db),
    db,
    log,
    queue,
    runtimes,
    secretKey: secretKeyInMemory(),
    readEngines: async () => [],
    connect: () => {
      throw new Error('there are no engines beside the simulated ones');
    },
    connectSwarm: () => {
      throw new Error('there are no engines beside the simulated ones');
    },
    submitScheduled: () => Promise.reject(new Error('nothing is scheduled here')),
    credentialFor: () => Promise.resolve(undefined),
    webhookRules: addressRules([]),
  });
  try {
    const values: number[] = [];
    for (let run = 0; run <= runs; run += 1) {
      context.signal.throwIfAborted();
      const elapsed = await startAll(db, control);
      if (run > 0) values.push(elapsed);
    }
    context.say(`tasks through ${backend.kind}: ${median(values).toFixed(1)} ms`);
    return { values, unit: 'ms', target: { atMost: 300 } };
  } finally {
    await control.close();
    // What ran, ran in the memory of this runtime: the next one knows nothing of it.
    await sql`truncate organization cascade`.execute(db);
  }
}

type Control = Awaited<ReturnType<typeof createControlPlane>>;

async function startAll(db: Database, control: Control): Promise<number> {
  const cluster = await insertCluster(db, { ram: count, cpu: count, gpu: 0 });
  await insertQueue(db, cluster, count, { shapes: [shape], random: () => 0, spreadHours: 0 });
  let admittedAt: number | null = null;
  const running = new Promise<number>((resolve, reject) => {
    const look = async () => {
      if ((await countRunning(db, cluster.id)) < count) return;
      forget();
      resolve(performance.now());
    };
    // Told after each commit: first the one that admits, then those that say what runs.
    const forget = control.onEvents(() => {
      admittedAt ??= performance.now();
      look().catch(reject);
    });
  });
  await control.schedule(cluster.id, { dryRun: false, trigger: 'api' });
  return (await running) - (admittedAt ?? Number.NaN);
}

async function countRunning(db: Database, clusterId: string): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) from deployment where cluster_id = ${clusterId} and status = 'running'`.execute(db);
  return Number(rows[0]?.count);
}
