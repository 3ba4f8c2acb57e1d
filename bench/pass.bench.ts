import { sql } from 'kysely';
import pino from 'pino';
import type { PassOutcome } from '../src/control/control-plane.ts';
import { startScheduler } from '../src/control/scheduler.ts';
import type { Database } from '../src/store/database.ts';
import { type Bench, type BenchContext, type Metric, median } from './support/bench.ts';
import { type BenchCluster, insertCluster, insertQueue, makeShapes } from './support/queue.ts';
import { pseudoRandom } from './support/random.ts';
import { openStore } from './support/store.ts';

const runs = 11;
/** Before those that count: a process that has run for a while is measured, not one that is still being compiled. */
const warmUps = 15;
const admissions = 200;
const lengths = [
  { queued: 1_000, shapes: 100 },
  { queued: 10_000, shapes: 250, target: { atMost: 60 } },
  { queued: 50_000, shapes: 500, target: { atMost: 200 } },
] as const;

export const bench: Bench = {
  about: `One pass: decides and commits ${admissions} admissions out of a queue on a cluster of one node, first query to commit, in a real
PostgreSQL. The design before this one (Django, Celery, Redis, PostgreSQL) took 147 ms at 10,000 and 880 ms at 50,000 queued
on a machine of this kind; the same written with care took 38 and 196 ms.`,
  async run(context) {
    const { db } = await openStore(context);
    const metrics: Record<string, Metric> = {};
    for (const length of lengths) {
      const values = await measure(context, db, length);
      metrics[`pass_${length.queued}`] = {
        values,
        unit: 'ms',
        ...('target' in length ? { target: length.target } : {}),
      };
    }
    return metrics;
  },
};

/** Each run is one pass over a full queue and a node with room for about as many as are to be admitted. */
async function measure(
  context: BenchContext,
  db: Database,
  length: { readonly queued: number; readonly shapes: number },
): Promise<number[]> {
  const random = pseudoRandom(length.queued);
  const options = { shapes: makeShapes(length.shapes, random), random, spreadHours: 6 };
  const cluster = await insertCluster(db, { ram: 1, cpu: 1, gpu: 32 });
  await insertQueue(db, cluster, length.queued, options);
  await sql`vacuum analyze deployment`.execute(db);
  await makeRoom(db, cluster);
  const values: number[] = [];
  const admitted: number[] = [];
  for (let run = -warmUps; run < runs; run += 1) {
    context.signal.throwIfAborted();
    const startedAt = performance.now();
    const outcome = await pass(db, cluster.id, { dryRun: false });
    const elapsed = performance.now() - startedAt;
    if (run >= 0) values.push(elapsed);
    admitted.push(admittedBy(outcome));
    await queueAgain(db, cluster);
  }
  context.say(
    `${length.queued} queued in ${length.shapes} shapes: ${median(values).toFixed(1)} ms, ${median(admitted)} admitted`,
  );
  return values;
}

/** A scheduler for one pass: its regular passes begin after a second, and would be measured with it. */
async function pass(db: Database, clusterId: string, options: { dryRun: boolean }): Promise<PassOutcome> {
  const scheduler = startScheduler({ db, log: pino({ level: 'silent' }), onAdmitted: () => undefined });
  try {
    return await scheduler.schedule(clusterId, { ...options, trigger: 'api' });
  } finally {
    await scheduler.close();
  }
}

/** Gives the node the size at which a pass admits as many as it should, found by halving. */
async function makeRoom(db: Database, cluster: BenchCluster): Promise<void> {
  let low = 0;
  let high = 4000;
  for (let step = 0; step < 10; step += 1) {
    const cores = Math.round((low + high) / 2);
    await db
      .updateTable('node')
      .set({ ram: cores * 2000, cpu: cores * 1000 })
      .where('id', '=', cluster.nodeId)
      .execute();
    const found = admittedBy(await pass(db, cluster.id, { dryRun: true }));
    if (found === admissions) return;
    if (found < admissions) low = cores;
    else high = cores;
  }
}

function admittedBy(outcome: PassOutcome): number {
  return outcome.plan.decisions.filter((decision) => decision.kind === 'place').length;
}

/** Puts back what was admitted, with its age: each run decides on the same queue. */
async function queueAgain(db: Database, cluster: BenchCluster): Promise<void> {
  const admitted = db
    .selectFrom('deployment')
    .select('id')
    .where('cluster_id', '=', cluster.id)
    .where('status', '=', 'starting');
  await db.deleteFrom('allocation').where('cluster_id', '=', cluster.id).execute();
  await db.deleteFrom('replica').where('deployment_id', 'in', admitted).execute();
  await db
    .updateTable('deployment')
    .set({ status: 'queued' })
    .where('cluster_id', '=', cluster.id)
    .where('status', '=', 'starting')
    .execute();
}
