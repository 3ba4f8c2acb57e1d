/** A database of an earlier version is brought up to date, with what is in it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { up as initial } from '../../src/store/migrations/0001-initial.ts';
import { up as eventHorizon } from '../../src/store/migrations/0002-event-horizon.ts';
import { up as whereItMayRun } from '../../src/store/migrations/0003-where-it-may-run.ts';
import { up as preemption } from '../../src/store/migrations/0004-preemption.ts';
import { up as learnedBackfill } from '../../src/store/migrations/0006-learned-backfill.ts';
import { up as plannerChanges } from '../../src/store/migrations/0008-planner-changes.ts';
import { up as hostPorts } from '../../src/store/migrations/0014-host-ports.ts';
import { up as arraysAndDependencies } from '../../src/store/migrations/0019-arrays-and-dependencies.ts';
import { up as engines } from '../../src/store/migrations/0022-engines.ts';
import { up as drain } from '../../src/store/migrations/0023-drain.ts';
import { up as maintenance } from '../../src/store/migrations/0024-maintenance.ts';
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
