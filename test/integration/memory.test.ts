/** What the scheduler remembers of a cluster is what the database says, whatever has happened to it in between. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Memory, recall } from '../../src/control/memory.ts';
import type { Policy, Snapshot } from '../../src/core/model.ts';
import { commitPlan } from '../../src/store/commit-plan.ts';
import { commitPreemptions } from '../../src/store/commit-preemptions.ts';
import { type Database, type InTransaction, openDatabase } from '../../src/store/database.ts';
import { changePriority } from '../../src/store/deployments.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createNode, updateNode } from '../../src/store/nodes.ts';
import { recordObservations } from '../../src/store/observations.ts';
import { changesEnd, readChanges, removeChangesBefore } from '../../src/store/planner-changes.ts';
import { setReachability } from '../../src/store/reachability.ts';
import { readHead, readState } from '../../src/store/snapshot.ts';
import { cancelDeployment, deleteDeployment, retryDeployment, stopDeployment } from '../../src/store/transitions.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Fixture, makeCluster, queueDeployment } from '../support/fixtures.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
  await migrate(db);
  for (const [name, id] of Object.entries(people)) {
    const person = { id, username: name, email: `${name}@example.com`, password: '$argon2id$none' };
    await db.insertInto('user').values(person).execute();
  }
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const nobody = { userId: null };
const people = { ada: uuidv7(), ben: uuidv7() };

const web = { container: 80, host: 80, protocol: 'tcp' as const };

/** `which` picks one of the deployments that there ever were. */
const happenings = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      ram: fc.integer({ min: 1, max: 6 }),
      gpu: fc.constantFrom(0, 0, 0.5, 1),
      replicas: fc.constantFrom(1, 1, 2),
      priority: fc.constantFrom(10, 50),
      timeLimit: fc.constantFrom(null, 60),
      user: fc.constantFrom('ada' as const, 'ben' as const),
      ports: fc.constantFrom([], [], [web], [web, { container: 53, host: 53, protocol: 'udp' as const }]),
      volume: fc.constantFrom(null, null, 'kept', 'lent'),
    }),
  },
  // Also under those who wait for them: whoever submits looks for a volume before it is written down that they use it.
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('make a volume' as const, 'mark a volume' as const, 'take a volume' as const),
      name: fc.constantFrom('kept', 'lent'),
      isOwn: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename the engine' as const) }) },
  // A deployment of another cluster on the same machine takes a host port, or gives it back.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('neighbour' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), fails: fc.constantFrom(false, false, true) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('started' as const, 'ended' as const, 'ended' as const),
      which: fc.nat(),
      replica: fc.constantFrom(0, 0, 1),
      exitCode: fc.constantFrom(0, 1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel' as const, 'stop' as const, 'retry' as const, 'delete' as const, 'raise' as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('cordon' as const, 'open' as const, 'add a node' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('learned' as const, 'largest_set' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('unreachable' as const, 'reachable' as const) }) },
);
type Happening = typeof happenings extends fc.Arbitrary<infer One> ? One : never;

class World {
  readonly #fixture: Fixture;
  readonly #neighbour: Fixture;
  readonly #ids: string[] = [];
  readonly #engineId: string;
  #memory: Memory | null = null;
  #nodes = 0;

  constructor(fixture: Fixture, neighbour: Fixture, engineId: string) {
    this.#fixture = fixture;
    this.#neighbour = neighbour;
    this.#engineId = engineId;
  }

  async live(one: Happening): Promise<void> {
    const { organizationId, clusterId, nodeId } = this.#fixture;
    const scope = { organizationId };
    const id = 'which' in one ? (this.#ids[one.which % this.#ids.length] ?? '') : '';
    if ('which' in one && id === '') return;
    if (one.kind === 'submit') await this.#submit(one);
    else if (one.kind === 'neighbour') await this.#takeOrGiveBack();
    else if (one.kind === 'pass') await this.#pass(one.fails);
    else if (one.kind === 'started' || one.kind === 'ended') await this.#observe(id, one);
    else if (one.kind === 'cancel') await cancelDeployment(db, scope, id, nobody);
    else if (one.kind === 'stop') await stopDeployment(db, scope, id, nobody);
    else if (one.kind === 'retry') await retryDeployment(db, scope, id, nobody);
    else if (one.kind === 'delete') await deleteDeployment(db, scope, id, nobody);
    else if (one.kind === 'raise') await changePriority(db, scope, id, { priority: 5, version: undefined }, nobody);
    else if (one.kind === 'add a node') {
      const engineId = this.#nodes % 2 === 0 ? this.#engineId : null;
      const node = { name: `more-${this.#nodes++}`, ram: 4000, cpu: 4000, labels: {}, devices: [], engineId };
      await createNode(db, scope, clusterId, node, nobody);
    } else if (one.kind === 'cordon' || one.kind === 'open') {
      await updateNode(db, scope, clusterId, nodeId, { schedulable: one.kind === 'open' }, nobody);
    } else if ('isOwn' in one) await this.#changeVolume(one);
    else if (one.kind === 'rename the engine') {
      const name = `engine-${uuidv7()}`;
      await db.updateTable('engine').set({ name }).where('id', '=', this.#engineId).execute();
    } else if (one.kind === 'learned' || one.kind === 'largest_set') {
      await db.updateTable('cluster').set({ backfill: one.kind }).where('id', '=', clusterId).execute();
    } else {
      const reachable = one.kind === 'reachable';
      await setReachability(db, { runtime: 'simulated', engineId: null }, reachable, reachable ? null : 'silent');
    }
  }

  async #submit(one: Happening & { kind: 'submit' }): Promise<void> {
    const { kind: _, user, ...given } = one;
    const id = await queueDeployment(db, this.#fixture, { ...given, submittedBy: people[user] });
    if (one.timeLimit !== null) {
      await db.updateTable('deployment').set({ time_limit_s: one.timeLimit }).where('id', '=', id).execute();
    }
    this.#ids.push(id);
  }

  async #changeVolume({ kind, name, isOwn }: Extract<Happening, { isOwn: boolean }>): Promise<void> {
    const { organizationId: organization_id, clusterId: cluster_id } = this.#fixture;
    if (kind === 'make a volume') {
      const engine_id = isOwn ? null : this.#engineId;
      const volume = { id: uuidv7(), organization_id, cluster_id, name, engine_id };
      await db
        .insertInto('volume')
        .values(volume)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return;
    }
    const marked = db.updateTable('volume').set({ deleting: true });
    const taken = db.deleteFrom('volume');
    if (kind === 'mark a volume') await marked.where('cluster_id', '=', cluster_id).where('name', '=', name).execute();
    else await taken.where('cluster_id', '=', cluster_id).where('name', '=', name).execute();
  }

  /** Nothing where somebody else has the port. */
  async #takeOrGiveBack(): Promise<void> {
    const { clusterId, nodeId } = this.#neighbour;
    const given = await db.deleteFrom('allocation').where('cluster_id', '=', clusterId).returning('replica').execute();
    const had = await db.selectFrom('port_claim').selectAll().where('port', '=', 'tcp/80').execute();
    if (given.length > 0 || had.length > 0) return;
    const id = await queueDeployment(db, this.#neighbour);
    const none = { ram: 0, cpu: 0, gpu: 0 };
    await db
      .insertInto('allocation')
      .values({
        deployment_id: id,
        replica: 0,
        attempt: 1,
        cluster_id: clusterId,
        node_id: nodeId,
        ...none,
        host_ports: ['tcp/80'],
      })
      .execute();
  }

  async #observe(id: string, one: Happening & { kind: 'started' | 'ended' }): Promise<void> {
    const row = await db.selectFrom('deployment').select('attempt').where('id', '=', id).executeTakeFirst();
    const about = { deploymentId: id, attempt: row?.attempt ?? 1, replica: one.replica, run: 1, at: Date.now() };
    await recordObservations(db, [
      one.kind === 'started'
        ? { ...about, kind: 'started', containerId: `${id}-${one.replica}`, ports: [] }
        : { ...about, kind: 'ended', exitCode: one.exitCode, outOfMemory: false },
    ]);
  }

  /** As the scheduler does it; a pass that fails after its decisions were written has not taken place. */
  async #pass(fails: boolean): Promise<void> {
    const before = this.#memory;
    this.#memory = null;
    try {
      this.#memory = await db.transaction().execute(async (tx) => {
        const { head, memory } = await this.#recall(tx, before);
        const decided = memory.planner.pass(head.now);
        await commitPlan(tx, head, decided.places, (node) => node, randomUUID());
        await commitPreemptions(tx, head, decided.preempts, randomUUID());
        if (fails) throw new Error('the connection is gone');
        return memory;
      });
    } catch (error) {
      if (!fails) throw error;
    }
  }

  async #recall(tx: InTransaction, before: Memory | null) {
    const head = (await readHead(tx, this.#fixture.clusterId, { lock: true }))!;
    const policy: Policy = { ...head.policy, preemption: { minRunTime: 0 }, maxAdmissions: 500 };
    return { head: { ...head, policy }, memory: await recall(tx, head, policy, before) };
  }

  /** Both readings are of one transaction, and see the same time. */
  async compare(): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const { head, memory } = await this.#recall(tx, this.#memory);
      this.#memory = memory;
      const [remembered, found] = [memory.planner.snapshot(), await readState(tx, head, { lock: true })];
      expect(sorted(remembered)).toEqual(sorted(found));
      // Where nobody waits for a host port, nobody asks who has which.
      if (found.foreignPorts !== undefined) expect(remembered.foreignPorts).toEqual(found.foreignPorts);
      // It may still know of users of whom nobody waits any more.
      expect(remembered.runs).toMatchObject(found.runs ?? {});
    });
  }
}

/** Beside the installation's own, with a node of the cluster on it. */
async function makeEngine({ organizationId, clusterId }: Fixture): Promise<string> {
  const engine = { id: uuidv7(), organization_id: organizationId, name: 'box', address: 'tcp://box:2376' };
  await db.insertInto('engine').values(engine).execute();
  const node = { name: 'box', ram: 4000, cpu: 4000, labels: {}, devices: [], engineId: engine.id };
  await createNode(db, { organizationId }, clusterId, node, nobody);
  return engine.id;
}

function sortedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function sorted({ nodes, queue, holdings, claims = [] }: Snapshot) {
  return {
    nodes: sortedBy(nodes, ({ id }) => id),
    queue: sortedBy(queue, ({ id }) => id),
    holdings: sortedBy(holdings, ({ deploymentId, nodeId }) => `${deploymentId} ${nodeId}`),
    claims: sortedBy(claims, ({ deploymentId }) => deploymentId),
  };
}

describe('what is remembered of a cluster', () => {
  test('is what a reading of everything finds, after whatever has happened', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happenings, { minLength: 10, maxLength: 40, size: 'max' }), async (happened) => {
        const neighbour = await makeCluster(db, { ram: 8, cpu: 8, gpu: 0 }, 'docker');
        const fixture = await makeCluster(db, { ram: 8, cpu: 8, gpu: 2 }, 'docker');
        const world = new World(fixture, neighbour, await makeEngine(fixture));
        for (const one of happened) {
          await world.live(one);
          await world.compare();
        }
        // One machine for all clusters: what it holds goes with it.
        await db.deleteFrom('allocation').execute();
      }),
      { numRuns: 12 },
    );
  });
});

/** A position behind all changes so far: as long as somebody else on the server is writing, they would be seen again. */
async function heardOfAll(clusterId: string): Promise<string> {
  for (;;) {
    const position = await changesEnd(db);
    const { deploymentIds, nodes } = await readChanges(db, clusterId, position);
    if (deploymentIds.length === 0 && !nodes) return position;
    await sleep(20);
  }
}

describe('a change', () => {
  test('of a transaction that was under way is seen when it commits, though later ones were read long before', async () => {
    const fixture = await makeCluster(db);
    const late = await db.startTransaction().execute();
    const first = await queueDeployment(late, fixture);
    const second = await queueDeployment(db, fixture);
    const before = await readChanges(db, fixture.clusterId, '0');
    expect(before.deploymentIds).toEqual([second]);
    await late.commit().execute();
    const after = await readChanges(db, fixture.clusterId, before.position);
    expect(after.deploymentIds).toContain(first);
  });

  test('is kept until everybody may have heard of it, and of a text for people there is none', async () => {
    const fixture = await makeCluster(db);
    const id = await queueDeployment(db, fixture);
    const heard = await heardOfAll(fixture.clusterId);
    await db.updateTable('deployment').set({ reason: 'for people' }).where('id', '=', id).execute();
    expect((await readChanges(db, fixture.clusterId, heard)).deploymentIds).toEqual([]);
    await db.updateTable('deployment').set({ priority: 1 }).where('id', '=', id).execute();
    await removeChangesBefore(db, heard);
    expect((await readChanges(db, fixture.clusterId, '0')).deploymentIds).toEqual([id]);
    await removeChangesBefore(db, await heardOfAll(fixture.clusterId));
    expect((await readChanges(db, fixture.clusterId, '0')).deploymentIds).toEqual([]);
  });

  test('of a node is told, and what is allocated on it is not one', async () => {
    const fixture = await makeCluster(db, { ram: 8, cpu: 8, gpu: 1 });
    const heard = await heardOfAll(fixture.clusterId);
    await db.updateTable('node').set({ ram_allocated: 1000 }).where('id', '=', fixture.nodeId).execute();
    await db.updateTable('gpu_device').set({ allocated: 500 }).where('node_id', '=', fixture.nodeId).execute();
    expect((await readChanges(db, fixture.clusterId, heard)).nodes).toBe(false);
    await db.updateTable('gpu_device').set({ model: 'a100' }).where('node_id', '=', fixture.nodeId).execute();
    expect((await readChanges(db, fixture.clusterId, heard)).nodes).toBe(true);
  });
});
