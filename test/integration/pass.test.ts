import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterGone, startScheduler } from '../../src/control/scheduler.ts';
import type { Place } from '../../src/core/model.ts';
import { plan } from '../../src/core/plan.ts';
import { type Admitted, commitPlan } from '../../src/store/commit-plan.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { recordObservations } from '../../src/store/observations.ts';
import { updateDeployment } from '../../src/store/revisions.ts';
import { readSnapshot } from '../../src/store/snapshot.ts';
import type { RevisionSpec } from '../../src/store/tables.ts';
import {
  cancelDeployment,
  deleteCluster,
  deleteDeployment,
  retryDeployment,
  stopDeployment,
} from '../../src/store/transitions.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Fixture, makeCluster, queueDeployment } from '../support/fixtures.ts';

const log = pino({ level: 'silent' });
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
  await migrate(db);
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

async function nodeOf(fixture: Fixture) {
  return db.selectFrom('node').selectAll().where('id', '=', fixture.nodeId).executeTakeFirstOrThrow();
}

async function statusOf(id: string) {
  return (await db.selectFrom('deployment').select('status').where('id', '=', id).executeTakeFirst())?.status;
}

async function eventsOf(id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('event')
    .select('type')
    .where('deployment_id', '=', id)
    .orderBy('tx')
    .orderBy('id')
    .execute();
  return rows.map((row) => row.type);
}

/**
 * A scheduler that works only when told to: its regular pass sees the fixture, but finds nothing left to do. It may serve the clusters of
 * other tests meanwhile: only who is among `ids` counts.
 */
function schedulerOf(ids: readonly string[] = []) {
  const admitted: Admitted[] = [];
  const ours = (more: readonly Admitted[]) => more.filter(({ id }) => ids.includes(id));
  const scheduler = startScheduler({ db, log, onAdmitted: (more) => admitted.push(...ours(more)) });
  return { scheduler, admitted };
}

const started = (id: string) => ({
  kind: 'started' as const,
  deploymentId: id,
  attempt: 1,
  replica: 0,
  run: 1,
  containerId: 'c',
  at: Date.now(),
  ports: [],
});
const ended = (id: string, exitCode: number) => ({
  kind: 'ended' as const,
  deploymentId: id,
  attempt: 1,
  replica: 0,
  run: 1,
  exitCode,
  outOfMemory: false,
  at: Date.now(),
});

describe('a pass', () => {
  test('allocates, writes events and the pass in one transaction, and a second one changes nothing', async () => {
    const fixture = await makeCluster(db);
    const first = await queueDeployment(db, fixture, { ram: 16, gpu: 1 });
    const { scheduler, admitted } = schedulerOf([first]);
    const outcome = await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    expect(outcome.passId).not.toBeNull();
    expect(admitted).toMatchObject([{ id: first, attempt: 1 }]);
    expect(await nodeOf(fixture)).toMatchObject({ ram_allocated: 16_000, cpu_allocated: 1000, gpu_allocated: 1000 });
    expect(await eventsOf(first)).toEqual(['deployment.admitted']);

    const again = await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    expect(again.passId).toBeNull();
    expect(await eventsOf(first)).toEqual(['deployment.admitted']);
    await scheduler.close();
  });

  test('that is dry commits nothing', async () => {
    const fixture = await makeCluster(db);
    const { scheduler } = schedulerOf();
    await scheduler.close();
    const id = await queueDeployment(db, fixture);
    const outcome = await scheduler.schedule(fixture.clusterId, { dryRun: true, trigger: 'api' });
    expect(outcome.plan.decisions.map((decision) => decision.kind)).toEqual(['place']);
    expect(await statusOf(id)).toBe('queued');
  });

  test('of fifty at once over-allocates nothing and starts nothing twice', async () => {
    const fixture = await makeCluster(db, { ram: 10, cpu: 10, gpu: 0 });
    const ids: string[] = [];
    for (let i = 0; i < 30; i += 1) ids.push(await queueDeployment(db, fixture));
    const { scheduler, admitted } = schedulerOf(ids);
    await Promise.all(
      Array.from({ length: 50 }, () => scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' })),
    );
    expect(new Set(admitted.map(({ id }) => id)).size).toBe(10);
    expect(admitted).toHaveLength(10);
    expect(await nodeOf(fixture)).toMatchObject({ ram_allocated: 10_000, cpu_allocated: 10_000 });
    await scheduler.close();
  });

  test('of several schedulers at once, each with its own connections, does so too', async () => {
    const fixture = await makeCluster(db, { ram: 10, cpu: 10, gpu: 0 });
    const queued: string[] = [];
    for (let i = 0; i < 30; i += 1) queued.push(await queueDeployment(db, fixture));
    const several = Array.from({ length: 4 }, () => schedulerOf(queued));
    await Promise.all(
      several.flatMap(({ scheduler }) =>
        Array.from({ length: 5 }, () => scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' })),
      ),
    );
    const ids = several.flatMap(({ admitted }) => admitted.map((one) => one.id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(10);
    await Promise.all(several.map(({ scheduler }) => scheduler.close()));
  });

  test('over a cluster that is gone says so', async () => {
    const { scheduler } = schedulerOf();
    await expect(
      scheduler.schedule('01900000-0000-7000-8000-000000000000', { dryRun: false, trigger: 'api' }),
    ).rejects.toBeInstanceOf(ClusterGone);
    await scheduler.close();
  });
});

async function allocate(
  fixture: Fixture,
  id: string,
  given: { ram?: number; cpu?: number; gpu?: number; device?: number },
) {
  await db
    .insertInto('allocation')
    .values({
      deployment_id: id,
      replica: 0,
      attempt: 1,
      cluster_id: fixture.clusterId,
      node_id: fixture.nodeId,
      ram: given.ram ?? 1,
      cpu: given.cpu ?? 1,
      gpu: given.gpu ?? 0,
      device_indexes: given.device === undefined ? [] : [given.device],
      device_amounts: given.device === undefined ? [] : [given.gpu ?? 0],
    })
    .execute();
}

describe('the database refuses', () => {
  test('an allocation of more than the node has, whatever wrote it', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture);
    await expect(allocate(fixture, id, { ram: 32_001 })).rejects.toThrow('node_ram_not_over_allocated');
    await expect(allocate(fixture, id, { cpu: 8001 })).rejects.toThrow('node_cpu_not_over_allocated');
  });

  test('more of a device than there is, and a device that is not there', async () => {
    const fixture = await makeCluster(db);
    const one = await queueDeployment(db, fixture);
    const two = await queueDeployment(db, fixture);
    await allocate(fixture, one, { gpu: 600, device: 0 });
    await expect(allocate(fixture, two, { gpu: 600, device: 0 })).rejects.toThrow('gpu_device_not_over_allocated');
    await expect(allocate(fixture, two, { gpu: 600, device: 7 })).rejects.toThrow('does not have');
  });

  test('a second allocation of the same replica, and any change of one', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture);
    await allocate(fixture, id, {});
    await expect(allocate(fixture, id, {})).rejects.toThrow('duplicate key');
    await expect(sql`update allocation set ram = 1 where deployment_id = ${id}`.execute(db)).rejects.toThrow(
      'never changed',
    );
  });
});

describe('observations', () => {
  test('free resources exactly once, however often they are repeated', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture, { ram: 16 });
    const { scheduler } = schedulerOf();
    await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    await recordObservations(db, [started(id)]);
    expect(await statusOf(id)).toBe('running');
    await Promise.all(
      Array.from({ length: 10 }, () => recordObservations(db, [ended(id, 0), started(id), ended(id, 1)])),
    );
    expect(await statusOf(id)).toBe('succeeded');
    expect(await nodeOf(fixture)).toMatchObject({ ram_allocated: 0, cpu_allocated: 0 });
    expect(await eventsOf(id)).toEqual(['deployment.admitted', 'deployment.started', 'deployment.succeeded']);
    await scheduler.close();
  });

  test('of many deployments are one transaction', async () => {
    const fixture = await makeCluster(db, { ram: 100, cpu: 100, gpu: 0 });
    const ids: string[] = [];
    for (let i = 0; i < 100; i += 1) ids.push(await queueDeployment(db, fixture));
    const { scheduler } = schedulerOf();
    await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    const progress = await recordObservations(
      db,
      ids.flatMap((id) => [started(id), ended(id, 0)]),
    );
    expect(progress.every((one) => one.status === 'succeeded' && one.freed)).toBe(true);
    const { rows } = await sql<{ transactions: string }>`
      select count(distinct tx) as transactions from event
       where cluster_id = ${fixture.clusterId} and type = 'deployment.succeeded'`.execute(db);
    expect(Number(rows[0]?.transactions)).toBe(1);
    await scheduler.close();
  });
});

describe('what people do', () => {
  const actor = { userId: null };

  test('of a cancel and a pass that race, one wins and nothing leaks', async () => {
    for (let round = 0; round < 20; round += 1) {
      const fixture = await makeCluster(db);
      const id = await queueDeployment(db, fixture, { ram: 16 });
      const { scheduler } = schedulerOf();
      const [outcome] = await Promise.all([
        cancelDeployment(db, fixture, id, actor),
        scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' }),
      ]);
      expect(outcome.kind).toBe('done');
      const status = await statusOf(id);
      const held = (await nodeOf(fixture)).ram_allocated;
      expect([status, held]).toEqual(status === 'cancelled' ? ['cancelled', 0] : ['stopping', 16_000]);
      await scheduler.close();
    }
  });

  test.each([
    ['to have more replicas', { replicas: 3 }],
    ['to have fewer replicas', { replicas: 1 }],
    ['to need more', { ram_required: 4 }],
    ['to need less', { gpu_required: 0.25 }],
  ])(
    'a service that is updated %s after a pass has decided is left to the next one, as what it is then',
    async (_, change) => {
      const fixture = await makeCluster(db);
      const id = await queueDeployment(db, fixture, { kind: 'service', replicas: 2, gpu: 0.5 });
      const update = { version: undefined, why: 'updated', change: (spec: RevisionSpec) => ({ ...spec, ...change }) };
      await db.transaction().execute(async (tx) => {
        const read = (await readSnapshot(tx, fixture.clusterId, { lock: true }))!;
        const { decisions } = plan(read.snapshot, { ...read.policy, maxAdmissions: 500 }, read.now);
        const places = decisions.filter((one): one is Place => one.kind === 'place');
        expect(places).toMatchObject([{ deploymentId: id }]);
        // It waits for no pass.
        expect(await updateDeployment(db, fixture, id, update, actor)).toMatchObject({ kind: 'done' });
        expect(await commitPlan(tx, read, places, (node) => node, randomUUID())).toEqual([]);
      });
      const { scheduler, admitted } = schedulerOf([id]);
      await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
      await scheduler.close();
      expect(admitted).toMatchObject([{ id }]);
      const held = await db.selectFrom('allocation').select(['ram', 'gpu']).where('deployment_id', '=', id).execute();
      const wanted = { replicas: 2, ram_required: 1, gpu_required: 0.5, ...change };
      const each = { ram: wanted.ram_required * 1000, gpu: wanted.gpu_required * 1000 };
      expect(held).toEqual(Array.from({ length: wanted.replicas }, () => each));
    },
  );

  test('another organization sees nothing of it', async () => {
    const mine = await makeCluster(db);
    const other = await makeCluster(db);
    const id = await queueDeployment(db, mine);
    for (const verb of [cancelDeployment, stopDeployment, retryDeployment, deleteDeployment]) {
      expect(await verb(db, other, id, actor)).toEqual({ kind: 'unknown' });
    }
    expect(await deleteCluster(db, other, mine.clusterId, { force: true }, actor)).toEqual({ kind: 'unknown' });
    expect(await statusOf(id)).toBe('queued');
  });

  test('illegal transitions are conflicts and change nothing', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture);
    expect(await stopDeployment(db, fixture, id, actor)).toEqual({ kind: 'conflict', status: 'queued' });
    expect(await retryDeployment(db, fixture, id, actor)).toEqual({ kind: 'conflict', status: 'queued' });
    await cancelDeployment(db, fixture, id, actor);
    expect(await cancelDeployment(db, fixture, id, actor)).toEqual({ kind: 'conflict', status: 'cancelled' });
  });

  test('a retry is a new attempt, and what is seen of the old one does not count', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture);
    await cancelDeployment(db, fixture, id, actor);
    const outcome = await retryDeployment(db, fixture, id, actor);
    expect(outcome).toMatchObject({ kind: 'done', deployment: { attempt: 2, status: 'queued' } });
    const { scheduler } = schedulerOf();
    await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    await recordObservations(db, [started(id), ended(id, 0)]);
    expect(await statusOf(id)).toBe('starting');
    await scheduler.close();
  });

  test('deleting an active one removes its row when its container has ended', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture);
    const { scheduler } = schedulerOf();
    await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    await recordObservations(db, [started(id)]);
    expect(await deleteDeployment(db, fixture, id, actor)).toMatchObject({ kind: 'done', removed: false });
    expect(await statusOf(id)).toBe('stopping');
    await recordObservations(db, [ended(id, 143)]);
    expect(await statusOf(id)).toBeUndefined();
    expect(await nodeOf(fixture)).toMatchObject({ ram_allocated: 0 });
    await scheduler.close();
  });
});

test('two replicas that are seen to end at the same instant end their deployment, however the two transactions fall', async () => {
  for (let round = 0; round < 30; round += 1) {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture, { replicas: 2 });
    const { scheduler } = schedulerOf();
    await scheduler.schedule(fixture.clusterId, { dryRun: false, trigger: 'api' });
    const both = [0, 1];
    await recordObservations(
      db,
      both.map((replica) => ({ ...started(id), replica })),
    );
    await Promise.all(both.map((replica) => recordObservations(db, [{ ...ended(id, 0), replica }])));
    expect(await statusOf(id)).toBe('succeeded');
    await scheduler.close();
  }
});
