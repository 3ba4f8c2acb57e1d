/** The exact solver in the running product: what it finds is committed. */
import pino from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startScheduler } from '../../src/control/scheduler.ts';
import { createSolver } from '../../src/solver/solver.ts';
import type { Admitted } from '../../src/store/commit-plan.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Fixture, makeCluster, queueDeployment } from '../support/fixtures.ts';
import { youngerThree } from '../support/younger-three.ts';

const log = pino({ level: 'silent' });
/** The machine may be busy with other tests. */
const solver = createSolver({ log, answerMs: 10_000, graceMs: 10_000 });
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
  await migrate(db);
  expect(await solver.start()).toBe(true);
});

afterAll(async () => {
  await solver.close();
  await db.destroy();
  await database.drop();
});

/** Two nodes, 16/18 and 19/11, and the queue for them. */
async function fullCluster(): Promise<Fixture> {
  const fixture = await makeCluster(db, { ram: 16, cpu: 18, gpu: 0 });
  const second = { id: uuidv7(), cluster_id: fixture.clusterId, name: 'node-2', ram: 19_000, cpu: 11_000, gpu: 0 };
  await db.insertInto('node').values(second).execute();
  for (const [ram, cpu, priority] of youngerThree) await queueDeployment(db, fixture, { ram, cpu, priority });
  return fixture;
}

async function startedOf({ clusterId }: Fixture): Promise<number[]> {
  const rows = await db
    .selectFrom('deployment')
    .select('priority')
    .where('cluster_id', '=', clusterId)
    .where('status', '=', 'starting')
    .orderBy('priority')
    .execute();
  return rows.map(({ priority }) => priority);
}

/** Closed, so that it runs no regular passes: what it is asked for it does all the same. */
async function schedulerOf(with_: Parameters<typeof startScheduler>[0]['solver']) {
  const admitted: Admitted[] = [];
  const deps = { db, log, onAdmitted: (more: readonly Admitted[]) => admitted.push(...more) };
  const scheduler = startScheduler(with_ === undefined ? deps : { ...deps, solver: with_ });
  await scheduler.close();
  return { admitted, scheduler };
}

test('what it finds is shown by a dry run, committed by the pass, and written down with it', async () => {
  const { scheduler, admitted } = await schedulerOf(solver);
  const fixture = await fullCluster();
  const dry = await scheduler.schedule(fixture.clusterId, { dryRun: true, trigger: 'api' });
  expect(dry.solver).toBe('better');
  expect(dry.plan.quality).toMatchObject({ admitted: 6, bound: 6, proven: true });
  expect(await startedOf(fixture)).toEqual([]);

  const outcome = await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
  expect(outcome.solver).toBe('better');
  expect(admitted).toHaveLength(6);
  expect(await startedOf(fixture)).toEqual([1, 1, 1, 2, 2, 2]);
  const pass = await db.selectFrom('pass').selectAll().where('cluster_id', '=', fixture.clusterId).executeTakeFirst();
  expect(pass).toMatchObject({ admitted: 6, bound: 6, proven: true, solver: 'better' });
});

test('without it, or with one that does not answer, the plan stands as it is', async () => {
  const silent = { ask: async () => ({ kind: 'nothing' as const }) };
  for (const [with_, use] of [
    [undefined, 'not_asked'],
    [silent, 'no_answer'],
  ] as const) {
    const { scheduler } = await schedulerOf(with_);
    const fixture = await fullCluster();
    const outcome = await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    expect(outcome.solver).toBe(use);
    expect(outcome.plan.quality.proven).toBe(false);
    expect(await startedOf(fixture)).toEqual([1, 1, 1, 2]);
  }
});
