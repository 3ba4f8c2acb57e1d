/** A database of an earlier version is brought up to date, with what is in it. */
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { up as initial } from '../../src/store/migrations/0001-initial.ts';
import { up as eventHorizon } from '../../src/store/migrations/0002-event-horizon.ts';
import { up as whereItMayRun } from '../../src/store/migrations/0003-where-it-may-run.ts';
import { up as preemption } from '../../src/store/migrations/0004-preemption.ts';
import { up as learnedBackfill } from '../../src/store/migrations/0006-learned-backfill.ts';
import { up as plannerChanges } from '../../src/store/migrations/0008-planner-changes.ts';
import { up as hostPorts } from '../../src/store/migrations/0014-host-ports.ts';
import { up as dataAndNetwork } from '../../src/store/migrations/0016-data-and-network.ts';
import { up as arraysAndDependencies } from '../../src/store/migrations/0019-arrays-and-dependencies.ts';
import { up as engines } from '../../src/store/migrations/0022-engines.ts';
import { up as drain } from '../../src/store/migrations/0023-drain.ts';
import { up as maintenance } from '../../src/store/migrations/0024-maintenance.ts';
import { up as volumeEngines } from '../../src/store/migrations/0027-volume-engines.ts';
import { readSnapshot } from '../../src/store/snapshot.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Fixture, makeCluster, queueDeployment } from '../support/fixtures.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  db = openDatabase(database.url);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

test('deployments that were queued before labels, preemption and host ports are read as they were, and what runs has its ports', async () => {
  const old = db as never;
  await initial(old);
  await eventHorizon(old);
  const fixture = await makeCluster(db);
  const id = await queueDeployment(db, fixture, { ram: 2.5, gpu: 0.5, priority: 7 });
  const web = { container: 80, host: 8080, protocol: 'tcp' as const };
  const running = await queueDeployment(db, fixture, { ports: [web, { ...web, host: null }] });
  await db.updateTable('deployment').set({ status: 'running' }).where('id', '=', running).execute();
  const { clusterId: cluster_id, nodeId: node_id } = fixture;
  const held = { deployment_id: running, replica: 0, attempt: 1, cluster_id, node_id, ram: 1000, cpu: 1000, gpu: 0 };
  await db.insertInto('allocation').values(held).execute();
  await whereItMayRun(old);
  await preemption(old);
  await learnedBackfill(old);
  await plannerChanges(old);
  await hostPorts(old);
  await arraysAndDependencies(old);
  await engines(old);
  await drain(old);
  await maintenance(old);
  await dataAndNetwork(old);
  const placed = await volumesOfBefore();
  await volumeEngines(old);
  expect(await placed()).toEqual([
    { name: 'idle', engine: null },
    { name: 'only there', engine: 'box' },
    { name: 'used here', engine: null },
    { name: 'used there', engine: 'box' },
  ]);
  const read = (await readSnapshot(db, fixture.clusterId, { lock: false }))!;
  expect(read.policy.preemption).toBeUndefined();
  expect(read.policy.backfill).toBeUndefined();
  expect(read.snapshot.nodes[0]).not.toHaveProperty('labels');
  expect(read.snapshot.holdings).toMatchObject([{ deploymentId: running, hostPorts: ['tcp/8080'] }]);
  expect(await db.selectFrom('port_claim').selectAll().execute()).toEqual([
    { machine: node_id, port: 'tcp/8080', deployment_id: running, replica: 0, cluster_id },
  ]);
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

/** Volumes that know of no engine, in a cluster on two and in one on the added one. Answers with who says where they are. */
async function volumesOfBefore() {
  const both = await makeCluster(db);
  const { organizationId: organization_id } = both;
  const engine = { id: uuidv7(), organization_id, name: 'box', address: 'tcp://box:2376' };
  await db.insertInto('engine').values(engine).execute();
  const node = { cluster_id: both.clusterId, name: 'box', ram: 1000, cpu: 1000, gpu: 0, engine_id: engine.id };
  await db
    .insertInto('node')
    .values({ ...node, id: uuidv7() })
    .execute();
  const alone = { ...both, clusterId: uuidv7() };
  const cluster = { organization_id, name: 'alone', runtime: 'docker' as const, ram: 1, cpu: 1, gpu: 0 };
  await db
    .insertInto('cluster')
    .values({ ...cluster, id: alone.clusterId })
    .execute();
  await db
    .insertInto('node')
    .values({ ...node, id: uuidv7(), cluster_id: alone.clusterId })
    .execute();
  for (const name of ['idle', 'used here', 'used there']) await oldVolume(both, name);
  await oldVolume(alone, 'only there');
  // Of those who used it, the latest counts; who never started has written nothing.
  await useOf(both, 'used here', { engine_id: engine.id, started_at: '2026-01-01' });
  await useOf(both, 'used here', { engine_id: null, started_at: '2026-01-02' });
  await useOf(both, 'used there', { engine_id: engine.id, started_at: '2026-01-03' });
  await useOf(both, 'used there', { engine_id: null, started_at: null });
  return async () =>
    (
      await sql<{ name: string; engine: string | null }>`
        select v.name, e.name as engine from volume v left join engine e on e.id = v.engine_id order by v.name`.execute(
        db,
      )
    ).rows;
}

async function oldVolume({ organizationId, clusterId }: Fixture, name: string): Promise<void> {
  await sql`insert into volume (id, organization_id, cluster_id, name)
            values (${uuidv7()}, ${organizationId}, ${clusterId}, ${name})`.execute(db);
}

async function useOf(
  fixture: Fixture,
  volume: string,
  replica: { engine_id: string | null; started_at: string | null },
) {
  const deployment_id = await queueDeployment(db, fixture, { volume });
  await db.updateTable('deployment').set({ status: 'failed' }).where('id', '=', deployment_id).execute();
  await sql`insert into replica (deployment_id, attempt, index, node_id, node_name, engine_id, started_at)
            values (${deployment_id}, 1, 0, ${fixture.nodeId}, 'node', ${replica.engine_id}, ${replica.started_at}::timestamptz)`.execute(
    db,
  );
}
