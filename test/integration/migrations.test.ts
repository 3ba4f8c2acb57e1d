/** A database of an earlier version is brought up to date, with what is in it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { up as initial } from '../../src/store/migrations/0001-initial.ts';
import { up as eventHorizon } from '../../src/store/migrations/0002-event-horizon.ts';
import { up as whereItMayRun } from '../../src/store/migrations/0003-where-it-may-run.ts';
import { up as preemption } from '../../src/store/migrations/0004-preemption.ts';
import { up as learnedBackfill } from '../../src/store/migrations/0006-learned-backfill.ts';
import { readSnapshot } from '../../src/store/snapshot.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeCluster, queueDeployment } from '../support/fixtures.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

test('deployments that were queued before labels and preemption are read as they were', async () => {
  const old = db as never;
  await initial(old);
  await eventHorizon(old);
  const fixture = await makeCluster(db);
  const id = await queueDeployment(db, fixture, { ram: 2.5, gpu: 0.5, priority: 7 });
  await whereItMayRun(old);
  await preemption(old);
  await learnedBackfill(old);
  const read = (await readSnapshot(db, fixture.clusterId, { lock: false }))!;
  expect(read.policy.preemption).toBeUndefined();
  expect(read.policy.backfill).toBeUndefined();
  expect(read.snapshot.nodes[0]).not.toHaveProperty('labels');
  expect(read.snapshot.queue).toEqual([
    {
      id,
      request: { perReplica: { ram: 2500, cpu: 1000, gpu: 500 }, replicas: 1, gpuModels: [] },
      priority: 7,
      queuedAt: expect.any(Number) as number,
      timeLimit: null,
      isService: false,
    },
  ]);
});
