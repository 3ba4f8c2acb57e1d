/** Learned backfill as the store keeps it: how long the jobs of a user really ran decides who goes first. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Backfill, Place } from '../../src/core/model.ts';
import { plan } from '../../src/core/plan.ts';
import { updateCluster } from '../../src/store/clusters.ts';
import { commitPlan } from '../../src/store/commit-plan.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { recordObservations } from '../../src/store/observations.ts';
import { readRuns } from '../../src/store/runs.ts';
import { readSnapshot } from '../../src/store/snapshot.ts';
import { stopDeployment } from '../../src/store/transitions.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Fixture, makeCluster, queueDeployment } from '../support/fixtures.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
let fixture: Fixture;
let ada: string;
let ben: string;
const actor = { userId: null };
const minute = 60_000;

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
  ada = await person();
  ben = await person();
});

async function person(): Promise<string> {
  const id = uuidv7();
  await db
    .insertInto('user')
    .values({ id, username: id, email: `${id}@example.com`, password: '$argon2id$none' })
    .execute();
  return id;
}

function setBackfill(backfill: Backfill) {
  return updateCluster(db, fixture, fixture.clusterId, { policy: { backfill }, version: undefined }, actor);
}

/** On all of the node, so that one runs at a time. */
const submit = (submittedBy: string, kind: 'job' | 'service' = 'job') =>
  queueDeployment(db, fixture, { ram: 8, submittedBy, kind });

async function read() {
  return (await readSnapshot(db, fixture.clusterId, { lock: false }))!;
}

/** Returns who was admitted. */
function pass(): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    const found = (await readSnapshot(tx, fixture.clusterId, { lock: true }))!;
    const { decisions } = plan(found.snapshot, { ...found.policy, maxAdmissions: 500 }, found.now);
    const places = decisions.filter((one): one is Place => one.kind === 'place');
    const admitted = await commitPlan(tx, found, places, (id) => id, randomUUID());
    return admitted.map(({ id }) => id);
  });
}

const of = (deploymentId: string) => ({ deploymentId, attempt: 1, replica: 0, run: 1 });

/** Submits one, starts it, and has it seen running since so many minutes. */
async function start(user: string, minutes: number, kind: 'job' | 'service' = 'job'): Promise<string> {
  const id = await submit(user, kind);
  expect(await pass()).toEqual([id]);
  const at = Date.now() - minutes * minute;
  await recordObservations(db, [{ kind: 'started', ...of(id), containerId: id, at, ports: [] }]);
  return id;
}

async function end(id: string, exitCode = 0): Promise<void> {
  await recordObservations(db, [{ kind: 'ended', ...of(id), exitCode, outOfMemory: false, at: Date.now() }]);
}

async function ran(user: string, minutes: number): Promise<void> {
  await end(await start(user, minutes));
}

async function waitSince(id: string, minutes: number): Promise<void> {
  await sql`update deployment set queued_at = now() - make_interval(mins => ${minutes}) where id = ${id}`.execute(db);
}

/** In whole minutes. */
async function runsOf(user: string): Promise<number[]> {
  const runs = await readRuns(db, fixture.clusterId, [user]);
  return (runs[user] ?? []).map((run) => Math.round(run / minute));
}

/** Told to stop, a second ago. */
const stopping = (id: string, intent: 'time_limit' | 'preempted') =>
  db
    .updateTable('deployment')
    .set({ status: 'stopping', stop_intent: intent, changed_at: sql<Date>`now() - interval '1 second'` })
    .where('id', '=', id)
    .execute();

/** Who would be admitted now. */
async function first(): Promise<string[]> {
  const { snapshot, policy, now } = await read();
  const { decisions } = plan(snapshot, { ...policy, maxAdmissions: 500 }, now);
  return decisions.filter(({ kind }) => kind === 'place').map(({ deploymentId }) => deploymentId);
}

describe('who goes first', () => {
  test('is the older one, or whose jobs really were done sooner, as the policy says', async () => {
    for (const [user, minutes] of [
      [ada, 60],
      [ada, 60],
      [ben, 5],
      [ben, 5],
    ] as const)
      await ran(user, minutes);
    const older = await submit(ada);
    const younger = await submit(ben);
    await waitSince(older, 40);
    await waitSince(younger, 20);
    expect(await first()).toEqual([older]);
    await setBackfill('learned');
    expect(await first()).toEqual([younger]);
    expect(await pass()).toEqual([younger]);
  });

  test('is learned in the cluster: what ran elsewhere says nothing', async () => {
    await ran(ada, 60);
    const other = await makeCluster(db);
    expect(await readRuns(db, other.clusterId, [ada])).toEqual({});
  });
});

describe('what is read', () => {
  test('are the latest two runs of those who wait, and whose each deployment is, where it is learned', async () => {
    for (const minutes of [9, 5, 3]) await ran(ada, minutes);
    await ran(ben, 7);
    const holds = await start(ben, 1);
    const waits = await submit(ada);
    const nobodys = await queueDeployment(db, fixture, { ram: 8 });
    await setBackfill('learned');
    const { snapshot, policy } = await read();
    expect(policy.backfill).toBe('learned');
    expect(snapshot.holdings).toMatchObject([{ deploymentId: holds, user: ben }]);
    const users = new Map(snapshot.queue.map(({ id, user }) => [id, user]));
    expect(users).toEqual(
      new Map([
        [waits, ada],
        [nobodys, undefined],
      ]),
    );
    expect(Object.keys(snapshot.runs ?? {})).toEqual([ada]);
    expect(await runsOf(ada)).toEqual([3, 5]);
  });

  test('is nothing of it where it is not', async () => {
    await ran(ada, 3);
    await start(ben, 1);
    await submit(ada);
    const { snapshot, policy } = await read();
    expect(policy).not.toHaveProperty('backfill');
    expect(snapshot).not.toHaveProperty('runs');
    for (const one of [...snapshot.queue, ...snapshot.holdings]) expect(one).not.toHaveProperty('user');
  });
});

describe('it is learned', () => {
  test('from what failed by itself, and from what ran to its limit', async () => {
    await end(await start(ada, 4), 1);
    const late = await start(ada, 8);
    await stopping(late, 'time_limit');
    await end(late, 143);
    expect(await runsOf(ada)).toEqual([8, 4]);
  });

  test('not from what a person stopped, nor from what was stopped for another, nor from services', async () => {
    const stopped = await start(ada, 4);
    await stopDeployment(db, fixture, stopped, actor);
    await end(stopped, 143);
    const preempted = await start(ada, 5);
    await stopping(preempted, 'preempted');
    await end(preempted, 143);
    await sql`update deployment set status = 'cancelled' where id = ${preempted}`.execute(db);
    await end(await start(ada, 6, 'service'));
    expect(await runsOf(ada)).toEqual([]);
  });
});

test('the database refuses a value that it does not know', async () => {
  const change = sql`update cluster set backfill = 'shortest' where id = ${fixture.clusterId}`.execute(db);
  await expect(change).rejects.toThrow('cluster_backfill_check');
});
