/** Preemption as the store keeps it: who is stopped for whom is written in one transaction, and undone by none. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Place, Preempt } from '../../src/core/model.ts';
import { plan } from '../../src/core/plan.ts';
import { removeStaleClaims } from '../../src/store/claims.ts';
import { updateCluster } from '../../src/store/clusters.ts';
import { commitPlan } from '../../src/store/commit-plan.ts';
import { commitPreemptions } from '../../src/store/commit-preemptions.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { changePriority } from '../../src/store/deployments.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createNode, deleteNode, updateNode } from '../../src/store/nodes.ts';
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

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
let fixture: Fixture;
/** Priority 50, on all of the node. */
let victim: string;
/** Priority 10, needs half of it. */
let preemptor: string;
const actor = { userId: null };

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
  await migrate(db);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

beforeEach(async () => {
  fixture = await makeCluster(db, { ram: 8, cpu: 8, gpu: 0 });
  const policy = { preemption: true, preemptionMinRunTimeSeconds: 60 };
  await updateCluster(db, fixture, fixture.clusterId, { policy, version: undefined }, actor);
  victim = await queueDeployment(db, fixture, { ram: 8 });
  await pass();
  await recordObservations(db, [started(victim, 1, Date.now() - 120_000)]);
  await sql`update deployment set queued_at = now() - interval '1 hour' where id = ${victim}`.execute(db);
  preemptor = await queueDeployment(db, fixture, { ram: 4, priority: 10 });
});

const started = (deploymentId: string, attempt = 1, at = Date.now()) => ({
  kind: 'started' as const,
  deploymentId,
  attempt,
  replica: 0,
  run: 1,
  containerId: 'c',
  at,
  ports: [],
});
const ended = (deploymentId: string, exitCode: number, attempt = 1, at = Date.now()) => ({
  kind: 'ended' as const,
  deploymentId,
  attempt,
  replica: 0,
  run: 1,
  exitCode,
  outOfMemory: false,
  at,
});

/** What a pass without preemptions would do; returns who was admitted. */
function pass(): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    const read = (await readSnapshot(tx, fixture.clusterId, { lock: true }))!;
    const { preemption: _, ...policy } = read.policy;
    const { decisions } = plan(read.snapshot, { ...policy, maxAdmissions: 500 }, read.now);
    const places = decisions.filter((one): one is Place => one.kind === 'place');
    const admitted = await commitPlan(tx, read, places, (id) => id, randomUUID());
    return admitted.map(({ id }) => id);
  });
}

const passId = randomUUID();

function decision(): Preempt {
  return {
    kind: 'preempt',
    deploymentId: preemptor,
    position: 1,
    priority: 10,
    effectivePriority: 10,
    promoted: false,
    placements: [{ replica: 0, nodeId: fixture.nodeId, resources: { ram: 4000, cpu: 1000, gpu: 0 }, devices: [] }],
    receipt: {
      highestPriority: 50,
      lostWork: 120_000,
      victims: [{ deploymentId: victim, priority: 50, lostWork: 120_000 }],
      alternatives: [],
    },
  };
}

function preempt() {
  return db.transaction().execute(async (tx) => {
    const read = (await readSnapshot(tx, fixture.clusterId, { lock: true }))!;
    return commitPreemptions(tx, read, [decision()], passId);
  });
}

/** Only services can be updated, and so the preemptor is one from then on. */
async function asService(change: Partial<RevisionSpec>) {
  await sql`update deployment set kind = 'service' where id = ${preemptor}`.execute(db);
  const update = { version: undefined, why: 'updated', change: (spec: RevisionSpec) => ({ ...spec, ...change }) };
  return updateDeployment(db, fixture, preemptor, update, actor);
}

const row = (id: string) => db.selectFrom('deployment').selectAll().where('id', '=', id).executeTakeFirst();

async function claims(): Promise<string[]> {
  const rows = await db
    .selectFrom('claim')
    .select('deployment_id')
    .where('cluster_id', '=', fixture.clusterId)
    .execute();
  return rows.map(({ deployment_id: id }) => id);
}

async function claimsRead() {
  return (await readSnapshot(db, fixture.clusterId, { lock: false }))!.snapshot.claims;
}

async function eventsOf(id: string) {
  return db
    .selectFrom('event')
    .select(['type', 'message', 'data'])
    .where('deployment_id', '=', id)
    .orderBy('tx')
    .orderBy('id')
    .execute();
}

async function allocated(): Promise<number | undefined> {
  const node = await db.selectFrom('node').select('ram_allocated').where('id', '=', fixture.nodeId).executeTakeFirst();
  return node?.ram_allocated;
}

describe('who is stopped for somebody', () => {
  test('is stopping, holds its resources until it has ended, and is queued again with its age', async () => {
    const before = (await row(victim))!;
    const committed = await preempt();
    expect(committed.stopped).toEqual([{ id: victim, attempt: 1 }]);
    expect(await row(victim)).toMatchObject({
      status: 'stopping',
      stop_intent: 'preempted',
      reason_code: 'preempted',
      reason: 'stopped for test, which has the higher priority 10; it keeps its age in the queue',
    });
    expect(await allocated()).toBe(8000);
    expect(await claims()).toEqual([preemptor]);

    const [progress] = await recordObservations(db, [ended(victim, 143), ended(victim, 143)]);
    expect(progress).toMatchObject({ status: 'queued', attempt: 1, changed: true, freed: true, removed: false });
    expect(await row(victim)).toMatchObject({
      status: 'queued',
      attempt: 2,
      queued_at: before.queued_at,
      stop_intent: null,
      exit_code: null,
      admitted_at: null,
      started_at: null,
      finished_at: null,
    });
    expect(await allocated()).toBe(0);
    // What is seen of the first attempt once more does not count.
    expect((await recordObservations(db, [ended(victim, 143), started(victim)])).some((one) => one.accepted)).toBe(
      false,
    );
    expect((await eventsOf(victim)).map(({ type }) => type)).toEqual([
      'deployment.admitted',
      'deployment.started',
      'deployment.preempted',
      'deployment.requeued',
    ]);
  });

  test('is told for whom, with what is lost; and so is who waits', async () => {
    const committed = await preempt();
    const receipt = {
      highest_priority: 50,
      lost_work_s: 120,
      victims: [{ deployment_id: victim, priority: 50, lost_work_s: 120 }],
      alternatives: [],
    };
    expect(committed.records).toEqual([{ deployment_id: preemptor, ...receipt }]);
    expect((await eventsOf(victim)).at(-1)).toMatchObject({
      message: expect.stringContaining('work lost: 120 s') as string,
      data: { pass_id: passId, preemptor, lost_work_s: 120, receipt },
    });
    expect(await eventsOf(preemptor)).toEqual([
      {
        type: 'deployment.preempting',
        message: 'test is stopped to make room for test',
        data: { pass_id: passId, ...receipt },
      },
    ]);
  });

  test('has succeeded where it had before it was told to stop', async () => {
    await preempt();
    await recordObservations(db, [ended(victim, 0, 1, Date.now() - 60_000)]);
    expect(await row(victim)).toMatchObject({ status: 'succeeded', reason_code: 'exit_zero', attempt: 1 });
    expect(await pass()).toEqual([preemptor]);
  });

  test('is not stopped a second time, and for nobody who is not more important', async () => {
    await preempt();
    expect((await preempt()).stopped).toEqual([]);
    await recordObservations(db, [ended(victim, 143)]);
    expect((await preempt()).stopped).toEqual([]);
  });

  test.each([
    ['it has ended meanwhile', () => recordObservations(db, [ended(victim, 0)])],
    [
      'it has not run for long enough after all',
      () => sql`update deployment set started_at = now() where id = ${victim}`.execute(db),
    ],
    ['it is as important', () => sql`update deployment set priority = 10 where id = ${victim}`.execute(db)],
    ['who waits was cancelled', () => cancelDeployment(db, fixture, preemptor, actor)],
    ['who waits is gone', () => deleteDeployment(db, fixture, preemptor, actor)],
    ['who waits asks for something else by now', () => asService({ replicas: 2 })],
    [
      'preemption was switched off',
      () => sql`update cluster set preemption = false where id = ${fixture.clusterId}`.execute(db),
    ],
  ])('is left alone where %s', async (_, change) => {
    await change();
    const before = await row(victim);
    expect((await preempt()).stopped).toEqual([]);
    expect(await row(victim)).toEqual(before);
    expect(await claims()).toEqual([]);
  });

  test('is left alone, and not waited for, where somebody else holds its row', async () => {
    await db.transaction().execute(async (other) => {
      await sql`select 1 from deployment where id = ${victim} for update`.execute(other);
      expect((await preempt()).stopped).toEqual([]);
    });
    expect((await preempt()).stopped).toHaveLength(1);
  });

  test('stays stopped where its user says so, whether before or after', async () => {
    await preempt();
    expect(await stopDeployment(db, fixture, victim, actor)).toMatchObject({ kind: 'done' });
    expect(await stopDeployment(db, fixture, victim, actor)).toMatchObject({ kind: 'conflict', status: 'stopping' });
    await recordObservations(db, [ended(victim, 143)]);
    expect(await row(victim)).toMatchObject({ status: 'cancelled', reason_code: 'stopped' });
    expect(await pass()).toEqual([preemptor]);
  });

  test('goes where its user deletes it meanwhile', async () => {
    await preempt();
    expect(await deleteDeployment(db, fixture, victim, actor)).toMatchObject({ kind: 'done', removed: false });
    await recordObservations(db, [ended(victim, 143)]);
    expect(await row(victim)).toBeUndefined();
    expect(await allocated()).toBe(0);
  });

  test('ends with its cluster', async () => {
    await preempt();
    const deleted = await deleteCluster(db, fixture, fixture.clusterId, { force: true }, actor);
    expect(deleted).toMatchObject({ kind: 'deleting', stopping: [{ id: victim }] });
    await recordObservations(db, [ended(victim, 143)]);
    expect(await row(victim)).toMatchObject({ status: 'cancelled', reason_code: 'cluster_deleted' });
    expect(await claims()).toEqual([]);
  });
});

describe('a claim', () => {
  test('keeps the room until its deployment is admitted, and goes then', async () => {
    await preempt();
    expect(await claimsRead()).toMatchObject([{ deploymentId: preemptor, victims: [victim] }]);
    // Higher than both, and it would fit into what comes free: but not beside what is kept.
    const rival = await queueDeployment(db, fixture, { ram: 5, priority: 1 });
    expect(await pass()).toEqual([]);
    await recordObservations(db, [ended(victim, 143)]);
    expect(await pass()).toEqual([preemptor]);
    expect(await claims()).toEqual([]);
    expect(await allocated()).toBe(4000);
    expect((await row(rival))?.status).toBe('queued');
    await recordObservations(db, [started(preemptor), ended(preemptor, 0)]);
    expect(await pass()).toEqual([rival]);
  });

  test.each([
    ['is cancelled', () => cancelDeployment(db, fixture, preemptor, actor)],
    ['is deleted', () => deleteDeployment(db, fixture, preemptor, actor)],
    [
      'becomes less important',
      () => changePriority(db, fixture, preemptor, { priority: 11, version: undefined }, actor),
    ],
    ['is updated to have more replicas', () => asService({ replicas: 2 })],
    ['is updated to ask for less', () => asService({ ram_required: 2 })],
    [
      'can not go there, because the node is cordoned',
      () => updateNode(db, fixture, fixture.clusterId, fixture.nodeId, { schedulable: false }, actor),
    ],
    [
      'can not go there, because the node says other things about itself',
      () => updateNode(db, fixture, fixture.clusterId, fixture.nodeId, { labels: { zone: 'a' } }, actor),
    ],
  ])('goes where its deployment %s', async (_, change) => {
    await preempt();
    expect(await change()).toMatchObject({ kind: 'done' });
    expect(await claims()).toEqual([]);
  });

  test('stays where its deployment is updated to another image', async () => {
    await preempt();
    expect(await asService({ docker_image: 'simulated/other' })).toMatchObject({ kind: 'done' });
    expect(await claims()).toEqual([preemptor]);
  });

  test('stays where its deployment becomes more important', async () => {
    await preempt();
    await changePriority(db, fixture, preemptor, { priority: 5, version: undefined }, actor);
    expect(await claims()).toEqual([preemptor]);
  });

  test('goes with its node', async () => {
    const node = { name: 'other', ram: 1000, cpu: 1000, labels: {}, devices: [] };
    await createNode(db, fixture, fixture.clusterId, node, actor);
    await preempt();
    await recordObservations(db, [ended(victim, 143)]);
    expect(await deleteNode(db, fixture, fixture.clusterId, fixture.nodeId, actor)).toEqual({ kind: 'deleted' });
    expect(await claims()).toEqual([]);
  });

  test('of an earlier attempt does not count, and the sweep removes it', async () => {
    await preempt();
    await sql`update deployment set attempt = attempt + 1 where id = ${preemptor}`.execute(db);
    expect(await claimsRead()).toEqual([]);
    await removeStaleClaims(db);
    expect(await claims()).toEqual([]);
  });

  test('that came to nothing goes a while after the last of those that were stopped', async () => {
    await preempt();
    const later = (id: string) =>
      sql`update deployment set changed_at = now() - interval '2 minutes' where id = ${id}`.execute(db);
    await sql`update claim set created_at = now() - interval '1 hour' where deployment_id = ${preemptor}`.execute(db);
    await later(victim);
    await removeStaleClaims(db);
    expect(await claims(), 'its victim is stopping still').toEqual([preemptor]);
    await recordObservations(db, [ended(victim, 143)]);
    await removeStaleClaims(db);
    expect(await claims(), 'its victim has just ended').toEqual([preemptor]);
    await later(victim);
    await removeStaleClaims(db);
    expect(await claims()).toEqual([]);
  });

  test('allocates nothing: the database refuses what would be too much all the same', async () => {
    await preempt();
    const insert = sql`
      insert into allocation (deployment_id, replica, attempt, cluster_id, node_id, ram, cpu, gpu)
      values (${preemptor}, 0, 1, ${fixture.clusterId}, ${fixture.nodeId}, 4000, 1000, 0)`.execute(db);
    await expect(insert).rejects.toThrow('node_ram_not_over_allocated');
  });
});

test('of an end, a cancel and a preemption that race, whichever order they fall in, nothing is lost or held', async () => {
  for (let round = 0; round < 15; round += 1) {
    await Promise.all([
      preempt(),
      recordObservations(db, [ended(victim, 143)]),
      cancelDeployment(db, fixture, preemptor, actor),
    ]);
    const after = (await row(victim))!;
    expect(['failed', 'queued']).toContain(after.status);
    expect(await allocated()).toBe(0);
    await removeStaleClaims(db);
    expect(await claims()).toEqual([]);
    // Once more, from the beginning.
    if (after.status === 'failed') await retryDeployment(db, fixture, victim, actor);
    expect(await pass()).toEqual([victim]);
    const { attempt } = (await row(victim))!;
    await recordObservations(db, [started(victim, attempt, Date.now() - 120_000)]);
    await recordObservations(db, [ended(victim, 0, attempt)]);
    victim = await queueDeployment(db, fixture, { ram: 8 });
    await pass();
    await recordObservations(db, [started(victim, 1, Date.now() - 120_000)]);
    preemptor = await queueDeployment(db, fixture, { ram: 4, priority: 10 });
  }
});
