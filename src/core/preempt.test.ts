import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Holding, Node, Policy, QueuedDeployment, Request, Snapshot } from './model.ts';
import { Budget } from './pack.ts';
import { Pass } from './pass.ts';
import { Preemptions } from './preempt.ts';
import { fits } from './resources.ts';
import { shapeOf } from './shape.ts';
import { ClusterState } from './state.ts';
import { amounts, defaultPolicy, hour, node, occupied, queued, request } from './testing.ts';

const minute = 60_000;
const now = 10 * hour;
const policy: Policy = { ...defaultPolicy, agingInterval: 0, preemption: { minRunTime: 5 * minute } };

/** One replica that runs; two of the same id are a gang. */
function running(id: string, on: string, of: Request, more: Partial<Holding> = {}): Holding {
  const { perReplica } = of;
  const devices = perReplica.gpu === 0 ? [] : [{ index: 0, amount: perReplica.gpu }];
  return {
    deploymentId: id,
    nodeId: on,
    resources: perReplica,
    devices,
    endsBy: null,
    priority: 50,
    startedAt: now - hour,
    ...more,
  };
}

function snapshotOf(
  nodes: readonly Node[],
  holdings: readonly Holding[],
  queue: readonly QueuedDeployment[],
): Snapshot {
  return { nodes: occupied(nodes, holdings), holdings, queue };
}

/** Nothing is placed: everybody in the queue was left waiting. */
function preempt(snapshot: Snapshot, given: Policy = policy, steps = 100_000) {
  const state = new ClusterState(snapshot);
  const pass = new Pass(state, given, now);
  const before = state.snapshot().nodes;
  const preemptions = new Preemptions(pass, new Budget(steps));
  preemptions.serveBefore(Number.POSITIVE_INFINITY);
  preemptions.undo();
  expect(state.snapshot().nodes, 'the room is not as it was').toEqual(before);
  return [...preemptions.made.values()];
}

const victimsOf = (snapshot: Snapshot, given: Policy = policy) =>
  preempt(snapshot, given).map(({ deployment, receipt }) => [
    deployment.id,
    receipt.victims.map(({ deploymentId }) => deploymentId),
  ]);

const full = [node('a', 4, 4), node('b', 4, 4)];
const urgent = (of: Request, more: Partial<QueuedDeployment> = {}) => queued('urgent', of, { priority: 10, ...more });

describe('nobody is stopped', () => {
  const low = [running('low', 'a', request(4, 4))];
  const one = [node('a', 4, 4)];
  test.each([
    ['where the policy does not say so', snapshotOf(one, low, [urgent(request(4, 4))]), defaultPolicy],
    ['for one of the same priority', snapshotOf(one, low, [urgent(request(4, 4), { priority: 50 })]), policy],
    [
      'for one that is more important by its age alone',
      snapshotOf(one, low, [urgent(request(4, 4), { priority: 60, queuedAt: 0 })]),
      { ...policy, agingInterval: minute },
    ],
    [
      'that has run for less than the minimum run time',
      snapshotOf(one, [running('low', 'a', request(4, 4), { startedAt: now - 4 * minute })], [urgent(request(4, 4))]),
      policy,
    ],
    [
      'whose start nobody knows',
      snapshotOf(
        one,
        low.map(({ startedAt: _start, ...holding }) => holding),
        [urgent(request(4, 4))],
      ),
      policy,
    ],
    ['where it would not help', snapshotOf(one, low, [urgent(request(5, 4))]), policy],
    [
      'where another is being stopped already, and that is enough',
      snapshotOf(
        full,
        [running('leaving', 'a', request(4, 4), { isStopping: true }), running('low', 'b', request(4, 4))],
        [urgent(request(4, 4))],
      ),
      policy,
    ],
    [
      'of a gang of which one replica stands in the way of nobody, but is too young',
      snapshotOf(
        full,
        [running('gang', 'a', request(4, 4)), running('gang', 'b', request(4, 4), { startedAt: now })],
        [urgent(request(4, 4))],
      ),
      policy,
    ],
  ])('%s', (_, snapshot, given) => {
    expect(preempt(snapshot, given)).toEqual([]);
  });
});

describe('the cheapest set', () => {
  test('hits the least important, whatever is lost', () => {
    const holdings = [
      running('long', 'a', request(4, 4), { priority: 60, startedAt: now - 9 * hour }),
      running('short', 'b', request(4, 4), { priority: 50, startedAt: now - hour }),
    ];
    const [made] = preempt(snapshotOf(full, holdings, [urgent(request(4, 4))]));
    expect(made?.receipt).toEqual({
      highestPriority: 60,
      lostWork: 9 * hour,
      victims: [{ deploymentId: 'long', priority: 60, lostWork: 9 * hour }],
      alternatives: [{ highestPriority: 50, lostWork: hour, victims: ['short'] }],
    });
    expect(made?.placements).toMatchObject([{ replica: 0, nodeId: 'a', resources: amounts(4, 4) }]);
  });

  test('of equally important ones, loses the least work', () => {
    const holdings = [
      running('one', 'a', request(4, 4), { startedAt: now - 3 * hour }),
      running('two', 'b', request(2, 2), { startedAt: now - hour }),
      running('three', 'b', request(2, 2), { startedAt: now - hour }),
    ];
    expect(victimsOf(snapshotOf(full, holdings, [urgent(request(4, 4))]))).toEqual([['urgent', ['three', 'two']]]);
  });

  test('of what loses as much, stops the fewest', () => {
    const holdings = [
      running('one', 'a', request(4, 4), { startedAt: now - 2 * hour }),
      running('two', 'b', request(2, 2), { startedAt: now - hour }),
      running('three', 'b', request(2, 2), { startedAt: now - hour }),
    ];
    expect(victimsOf(snapshotOf(full, holdings, [urgent(request(4, 4))]))).toEqual([['urgent', ['one']]]);
  });

  test('counts each replica of a gang, and stops all of it', () => {
    const holdings = [
      running('gang', 'a', request(4, 4), { startedAt: now - hour }),
      running('gang', 'b', request(2, 2), { startedAt: now - hour }),
      running('single', 'b', request(2, 2), { startedAt: now - 1.5 * hour }),
    ];
    const [made] = preempt(snapshotOf(full, holdings, [urgent(request(2, 2))]));
    expect(made?.receipt.victims).toEqual([{ deploymentId: 'single', priority: 50, lostWork: 1.5 * hour }]);
    expect(made?.receipt.alternatives).toEqual([{ highestPriority: 50, lostWork: 2 * hour, victims: ['gang'] }]);
  });

  test('makes room for a whole gang, on nodes of their own where it asks for that', () => {
    const holdings = [running('one', 'a', request(4, 4)), running('two', 'b', request(4, 4))];
    const two = { ...request(2, 2), replicas: 2 };
    expect(victimsOf(snapshotOf(full, holdings, [urgent(two)]))).toEqual([['urgent', ['two']]]);
    expect(victimsOf(snapshotOf(full, holdings, [urgent({ ...two, maxPerNode: 1 })]))).toEqual([
      ['urgent', ['one', 'two']],
    ]);
  });

  test('frees a device, not only as much GPU', () => {
    const nodes = [node('a', 8, 8, 2)];
    const holdings = [
      running('share', 'a', request(1, 1, 0.5), { startedAt: now - 3 * hour }),
      running('other', 'a', request(1, 1, 0.5), { devices: [{ index: 1, amount: 500 }] }),
    ];
    expect(victimsOf(snapshotOf(nodes, holdings, [urgent(request(1, 1, 1))]))).toEqual([['urgent', ['other']]]);
  });
});

describe('several that wait', () => {
  test('are served in order, and do not count on the same room twice', () => {
    const holdings = [running('one', 'a', request(4, 4)), running('two', 'b', request(4, 4))];
    const queue = [
      queued('third', request(4, 4), { priority: 20 }),
      queued('second', request(4, 4), { priority: 20, queuedAt: -1 }),
      queued('first', request(4, 4), { priority: 10 }),
    ];
    expect(victimsOf(snapshotOf(full, holdings, queue))).toEqual([
      ['first', ['one']],
      ['second', ['two']],
    ]);
  });

  test('what one leaves over is for the next, who stops nobody for it', () => {
    const holdings = [running('one', 'a', request(4, 4)), running('two', 'b', request(2, 2))];
    const queue = [
      queued('first', request(3, 3), { priority: 10 }),
      queued('second', request(1, 1), { priority: 11 }),
      queued('third', request(1, 1), { priority: 12 }),
    ];
    const small = [node('a', 4, 4), node('b', 2, 2)];
    expect(victimsOf(snapshotOf(small, holdings, queue))).toEqual([
      ['first', ['one']],
      ['third', ['two']],
    ]);
  });

  test('only those of better levels are served before a level', () => {
    const snapshot = snapshotOf(
      full,
      [running('one', 'a', request(4, 4)), running('two', 'b', request(4, 4))],
      [queued('first', request(4, 4), { priority: 10 }), queued('second', request(4, 4), { priority: 20 })],
    );
    const preemptions = new Preemptions(new Pass(new ClusterState(snapshot), policy, now), new Budget(1000));
    expect(preemptions.serveBefore(10)).toBe(false);
    expect(preemptions.serveBefore(20)).toBe(true);
    expect([...preemptions.made.keys()]).toEqual(['first']);
    expect(preemptions.serveBefore(Number.POSITIVE_INFINITY)).toBe(true);
    expect([...preemptions.made.keys()]).toEqual(['first', 'second']);
  });

  test('who has a claim already waits for it', () => {
    const snapshot = snapshotOf(full, [running('one', 'a', request(4, 4))], [urgent(request(4, 4))]);
    expect(preempt({ ...snapshot, claims: [{ deploymentId: 'urgent', placements: [] }] })).toEqual([]);
  });
});

// Random small clusters, full of what runs there.

const nodes = fc.array(
  fc.record({
    ram: fc.integer({ min: 2, max: 8 }),
    cpu: fc.integer({ min: 2, max: 8 }),
    gpu: fc.integer({ min: 0, max: 2 }),
    machine: fc.constantFrom({}, {}, { machine: 'shared' }),
  }),
  { minLength: 1, maxLength: 3 },
);
const replica = fc.record({
  deployment: fc.integer({ min: 0, max: 7 }),
  node: fc.nat(2),
  ram: fc.integer({ min: 1, max: 4 }),
  cpu: fc.integer({ min: 1, max: 4 }),
  gpu: fc.constantFrom(0, 0, 0.5, 1),
  device: fc.nat(1),
  hostPorts: fc.constantFrom(undefined, undefined, ['tcp/80'], ['tcp/81']),
});
const lives = fc.array(
  fc.record({
    priority: fc.integer({ min: 1, max: 4 }),
    minutes: fc.constantFrom(4, 5, 6, 10, 10, 20, 30),
    isStopping: fc.constantFrom(...Array.from({ length: 7 }, () => false), true),
  }),
  { minLength: 8, maxLength: 8 },
);
const waiting = fc.array(
  fc.record({
    priority: fc.integer({ min: 1, max: 3 }),
    ram: fc.integer({ min: 1, max: 6 }),
    cpu: fc.integer({ min: 1, max: 6 }),
    gpu: fc.constantFrom(0, 0, 0.5, 1, 2),
    replicas: fc.constantFrom(1, 1, 1, 2, 3),
    maxPerNode: fc.constantFrom(0, 0, 1),
    hostPorts: fc.constantFrom([], [], ['tcp/80'], ['tcp/80', 'tcp/81']),
  }),
  { minLength: 1, maxLength: 4 },
);

/** What does not fit on its node, or its device, does not run. */
const snapshots = fc
  .record({ nodes, replicas: fc.array(replica, { minLength: 4, maxLength: 16, size: 'max' }), lives, waiting })
  .map((given): Snapshot => {
    const empty = given.nodes.map(
      ({ ram, cpu, gpu, machine }, i): Node => ({ ...node(`n${i}`, ram, cpu, gpu), ...machine }),
    );
    let holdings: Holding[] = [];
    for (const { deployment, node: number, ram, cpu, gpu, device, hostPorts } of given.replicas) {
      const { priority, minutes, isStopping } = given.lives[deployment] as (typeof given.lives)[number];
      const startedAt = now - minutes * minute;
      const on = empty[number % empty.length] as Node;
      const devices = gpu === 0 ? [] : [{ index: device, amount: gpu * 1000 }];
      const ports = hostPorts === undefined ? {} : { hostPorts };
      const of = { priority, startedAt, devices, ...ports, ...(isStopping && { isStopping }) };
      const one = running(`r${deployment}`, on.id, request(ram, cpu, gpu), of);
      const placement = { replica: 0, nodeId: on.id, resources: one.resources, devices, ...ports };
      const free = occupied(empty, holdings).find(({ id }) => id === on.id);
      if (free !== undefined && fits(free, [placement])) holdings = [...holdings, one];
    }
    const queue = given.waiting.map(({ priority, ram, cpu, gpu, replicas, maxPerNode, hostPorts }, i) =>
      queued(`w${i}`, { ...request(ram, cpu, gpu, replicas), maxPerNode, hostPorts }, { priority }),
    );
    return snapshotOf(empty, holdings, queue);
  });

/** Does it fit when these are gone, and all that are being stopped anyway? */
function fitsWithout(snapshot: Snapshot, gone: ReadonlySet<string>, of: Request): boolean {
  const left = snapshot.holdings.filter((one) => !gone.has(one.deploymentId) && one.isStopping !== true);
  const { room } = new ClusterState(snapshotOf(emptied(snapshot.nodes), left, []));
  return room.holds(shapeOf(of), 'free');
}

function emptied(all: readonly Node[]): Node[] {
  return all.map((one) => ({
    ...one,
    free: one.total,
    takenPorts: [],
    devices: one.devices.map((device) => ({ ...device, free: 1000 })),
  }));
}

function subsetsOf(items: readonly string[]): string[][] {
  return items.reduce<string[][]>((all, item) => [...all, ...all.map((one) => [...one, item])], [[]]);
}

function eligible(snapshot: Snapshot, priority: number): string[] {
  const ids = [...new Set(snapshot.holdings.map(({ deploymentId }) => deploymentId))].toSorted();
  return ids.filter((id) =>
    snapshot.holdings
      .filter(({ deploymentId }) => deploymentId === id)
      .every((one) => one.isStopping !== true && one.priority! > priority && now - one.startedAt! >= 5 * minute),
  );
}

function costIn(snapshot: Snapshot, ids: readonly string[]): [number, number, number] {
  const held = snapshot.holdings.filter(({ deploymentId }) => ids.includes(deploymentId));
  const highest = Math.min(...held.map(({ priority }) => priority!));
  return [-highest, held.reduce((sum, { startedAt }) => sum + now - startedAt!, 0), ids.length];
}

const inOrder = (a: readonly number[], b: readonly number[]) =>
  a.reduce((order, value, i) => order || value - (b[i] ?? 0), 0);

describe('on random clusters', () => {
  test('what is stopped is less important, has run long enough, and makes room', () => {
    let made = 0;
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        const gone = new Set<string>();
        const claimed: Holding[] = [];
        for (const { deployment, placements, receipt } of preempt(snapshot)) {
          made++;
          const ids = receipt.victims.map(({ deploymentId }) => deploymentId);
          expect(ids.filter((id) => gone.has(id) || !eligible(snapshot, deployment.priority).includes(id))).toEqual([]);
          for (const id of ids) gone.add(id);
          const left = snapshot.holdings.filter((one) => !gone.has(one.deploymentId) && one.isStopping !== true);
          const free = occupied(emptied(snapshot.nodes), [...left, ...claimed]);
          for (const one of free)
            expect(
              fits(
                one,
                placements.filter(({ nodeId }) => nodeId === one.id),
              ),
            ).toBe(true);
          expect(placements).toHaveLength(deployment.request.replicas);
          claimed.push(...placements.map((one) => ({ ...one, deploymentId: deployment.id, endsBy: null })));
        }
      }),
      { numRuns: 2000 },
    );
    expect(made).toBeGreaterThan(200);
  });

  test('no set costs less, and none of the alternatives either; where some set would do, somebody is stopped', () => {
    let made = 0;
    fc.assert(
      fc.property(snapshots, (given) => {
        const snapshot = { ...given, queue: given.queue.slice(0, 1) };
        const [deployment] = snapshot.queue as [QueuedDeployment];
        const { request: of } = deployment;
        const sets: string[][] = fitsWithout(snapshot, new Set(), of)
          ? []
          : subsetsOf(eligible(snapshot, deployment.priority)).filter((ids) => fitsWithout(snapshot, new Set(ids), of));
        const costs = sets.map((ids) => costIn(snapshot, ids)).toSorted(inOrder);
        const [preemption, ...others] = preempt(snapshot);
        expect(others).toEqual([]);
        expect(preemption === undefined).toBe(sets.length === 0);
        if (preemption === undefined) return;
        made++;
        const { receipt } = preemption;
        const cost = [-receipt.highestPriority, receipt.lostWork, receipt.victims.length];
        expect(cost).toEqual(costs[0]);
        for (const { victims, highestPriority, lostWork } of receipt.alternatives) {
          expect(fitsWithout(snapshot, new Set(victims), of)).toBe(true);
          expect(costIn(snapshot, victims)).toEqual([-highestPriority, lostWork, victims.length]);
          expect(inOrder(costIn(snapshot, victims), cost)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 3000 },
    );
    expect(made).toBeGreaterThan(200);
  });

  test('without steps to search, nobody could be spared still; and the order of what is given changes nothing', () => {
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        const { queue, holdings } = snapshot;
        const turned = { ...snapshot, holdings: holdings.toReversed(), queue: queue.toReversed() };
        expect(preempt(turned)).toEqual(preempt(snapshot));
        for (const { deployment, receipt } of preempt({ ...snapshot, queue: queue.slice(0, 1) }, policy, 1)) {
          const ids = receipt.victims.map(({ deploymentId }) => deploymentId);
          expect(fitsWithout(snapshot, new Set(ids), deployment.request)).toBe(true);
          for (const spared of ids) {
            const without = new Set(ids.filter((id) => id !== spared));
            expect(fitsWithout(snapshot, without, deployment.request)).toBe(false);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
