/** Many ends at once: what they cost the database, and that none is lost or counted twice. */
import { EventEmitter, once } from 'node:events';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createObservations } from '../../src/control/observations.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { recordObservations } from '../../src/store/observations.ts';
import { until } from '../conformance/client.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeCluster, queueDeployment } from '../support/fixtures.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url, { max: 3 });
  await migrate(db);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const many = 500;

test(`${many} deployments that end in the same second take a handful of transactions and one connection`, async () => {
  const fixture = await makeCluster(db, { ram: many, cpu: many, gpu: 0 });
  const ids: string[] = [];
  for (let index = 0; index < many; index += 1) ids.push(await queueDeployment(db, fixture));
  await db.updateTable('deployment').set({ status: 'running', started_at: new Date() }).execute();
  await db
    .insertInto('replica')
    .values(
      ids.map((id) => ({
        deployment_id: id,
        attempt: 1,
        index: 0,
        node_id: fixture.nodeId,
        node_name: 'node-1',
        status: 'running' as const,
      })),
    )
    .execute();
  await db
    .insertInto('allocation')
    .values(
      ids.map((id) => ({
        deployment_id: id,
        replica: 0,
        attempt: 1,
        cluster_id: fixture.clusterId,
        node_id: fixture.nodeId,
        ram: 1000,
        cpu: 1000,
        gpu: 0,
      })),
    )
    .execute();

  const told: string[] = [];
  const observations = createObservations(db, (progress) =>
    told.push(...progress.filter(({ changed }) => changed).map(({ deploymentId }) => deploymentId)),
  );
  // Somebody holds the first while the others end, one by one: they must not each take a connection and wait.
  const gate = new EventEmitter();
  const held = once(gate, 'held');
  const holder = db.transaction().execute(async (tx) => {
    await tx.selectFrom('deployment').select('id').where('id', '=', ids[0]!).forUpdate().execute();
    gate.emit('held');
    await once(gate, 'release');
  });
  await held;
  const recorded = [];
  for (const id of [...ids, ...ids]) {
    recorded.push(
      observations.record({
        kind: 'ended',
        deploymentId: id,
        attempt: 1,
        replica: 0,
        run: 1,
        exitCode: 0,
        outOfMemory: false,
        at: Date.now(),
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  // A third connection is free for everybody else.
  expect(await db.selectFrom('cluster').select('id').execute()).toHaveLength(1);
  gate.emit('release');
  await holder;
  await Promise.all(recorded);

  expect(told.toSorted()).toEqual(ids.toSorted());
  const ends = await db
    .selectFrom('event')
    .select(['tx', 'deployment_id'])
    .where('type', '=', 'deployment.succeeded')
    .execute();
  expect(ends.map((event) => String(event.deployment_id)).toSorted()).toEqual(ids.toSorted());
  // The one that was under way, and what had gathered meanwhile, 200 at a time.
  expect(new Set(ends.map((event) => event.tx)).size).toBeLessThanOrEqual(1 + Math.ceil(many / 200));
  expect(await db.selectFrom('allocation').select('deployment_id').execute()).toEqual([]);
  const [node] = await db.selectFrom('node').select(['ram_allocated', 'cpu_allocated']).execute();
  expect(node).toEqual({ ram_allocated: 0, cpu_allocated: 0 });
});

const endOf = (deploymentId: string) =>
  ({
    kind: 'ended',
    deploymentId,
    attempt: 1,
    replica: 0,
    run: 1,
    exitCode: 0,
    outOfMemory: false,
    at: Date.now(),
  }) as const;

/** `late`: whether it was queued again before, or just while what was seen of it waits for it. */
test.each([
  { late: 'before', it: 'was queued again' },
  { late: 'meanwhile', it: 'is being queued again' },
])('what is seen late, of one that $it, does not keep a pass waiting that admits it', async ({ late }) => {
  const pool = openDatabase(database.url, { max: 6 });
  const fixture = await makeCluster(db);
  const [queuedAgain, ends] = [await queueDeployment(db, fixture), await queueDeployment(db, fixture)] as const;
  const isQueuedBefore = late === 'before';
  const again = { status: 'queued', attempt: 2 } as const;
  await db
    .updateTable('deployment')
    .set(isQueuedBefore ? again : { status: 'running' })
    .where('id', '=', queuedAgain)
    .execute();
  await db.updateTable('deployment').set({ status: 'running' }).where('id', '=', ends).execute();
  const at = { deployment_id: ends, attempt: 1, node_id: fixture.nodeId };
  await db
    .insertInto('replica')
    .values({ ...at, index: 0, node_name: 'node-1', status: 'running' })
    .execute();
  const held = { replica: 0, cluster_id: fixture.clusterId, ram: 1000, cpu: 1000, gpu: 0 };
  await db
    .insertInto('allocation')
    .values({ ...at, ...held })
    .execute();

  // As a pass: first the node, and then those that it admits. What is seen meanwhile waits for the node.
  let recorded: Promise<unknown> = Promise.resolve();
  const waitingFor = (what: string) =>
    until(`something waits for ${what}`, async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like ${`%from ${what} where%`}`.execute(
        pool,
      );
      return rows.length > 0;
    });
  await pool.transaction().execute(async (pass) => {
    await pass.selectFrom('node').select('id').where('id', '=', fixture.nodeId).forNoKeyUpdate().execute();
    const record = () => recordObservations(pool, [endOf(queuedAgain), endOf(ends)]);
    if (isQueuedBefore) {
      recorded = record();
    } else {
      await pool.transaction().execute(async (other) => {
        await other.updateTable('deployment').set(again).where('id', '=', queuedAgain).execute();
        recorded = record();
        await waitingFor('deployment');
      });
    }
    await waitingFor('node');
    await pass.updateTable('deployment').set({ priority: 1 }).where('id', '=', queuedAgain).execute();
  });
  await recorded;
  await pool.destroy();
  const statuses = await db
    .selectFrom('deployment')
    .select(['id', 'status', 'attempt'])
    .where('cluster_id', '=', fixture.clusterId)
    .orderBy('id')
    .execute();
  expect(statuses).toEqual([
    { id: queuedAgain, status: 'queued', attempt: 2 },
    { id: ends, status: 'succeeded', attempt: 1 },
  ]);
});
