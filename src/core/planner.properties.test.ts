/** The planner with a memory decides what a planner without one would, whatever has happened. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Holding, Node, Policy, PortUse, QueuedDeployment, Request, Snapshot } from './model.ts';
import { plan } from './plan.ts';
import { Planner } from './planner.ts';
import { amounts } from './testing.ts';
import { summaryOf } from './waiting.ts';

const minute = 60_000;

const policies = fc.record({
  agingInterval: fc.constantFrom(0, 10 * minute),
  reservationAfter: fc.constantFrom(0, 20 * minute, 10_000 * minute),
  maxAdmissions: fc.constantFrom(2, 500),
  backfill: fc.constantFrom('largest_set' as const, 'learned' as const),
  preemption: fc.constantFrom(undefined, { minRunTime: 0 }, { minRunTime: 10 * minute }),
});

const requests: fc.Arbitrary<Request> = fc.record({
  perReplica: fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 4 }), fc.constantFrom(0, 0, 0.3, 0.5, 1, 2))
    .map(([ram, cpu, gpu]) => amounts(ram, cpu, gpu)),
  replicas: fc.constantFrom(1, 1, 1, 2, 3),
  gpuModels: fc.constantFrom([], [], ['t4'], ['a100', 't4']),
  gpuMemory: fc.constantFrom(0, 0, 16_000, 40_000),
  nodeLabels: fc.constantFrom<Record<string, string>>({}, {}, { zone: 'a' }),
  maxPerNode: fc.constantFrom(0, 0, 1, 2),
  hostPorts: fc.constantFrom([], [], [], ['tcp/80'], ['tcp/80', 'udp/53']),
});

const submissions = fc.record({
  kind: fc.constant('submit' as const),
  request: requests,
  priority: fc.integer({ min: 1, max: 4 }),
  waited: fc.integer({ min: 0, max: 60 }),
  timeLimit: fc.constantFrom(null, 5 * minute, 50 * minute),
  isService: fc.constantFrom(false, false, false, true),
  user: fc.constantFrom('ada', 'ben'),
});
/** `which` picks one of those that are there. */
const events = fc.oneof(
  { weight: 4, arbitrary: submissions },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), minutes: fc.integer({ min: 0, max: 15 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reprioritize' as const),
      which: fc.nat(),
      priority: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cordon' as const), which: fc.nat(), schedulable: fc.boolean() }),
  },
  // Somebody looked, and found which host ports deployments of other clusters have.
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('foreign' as const),
      uses: fc.subarray([
        { machine: 'one', port: 'tcp/80', deploymentId: 'x' },
        { machine: 'two', port: 'udp/53', deploymentId: 'y' },
        { machine: 'elsewhere', port: 'tcp/80', deploymentId: 'z' },
      ]),
    }),
  },
  // Somebody looked, and found that a replica has ended, or that all was stopped and waits again, or that time went on.
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('look' as const),
      which: fc.nat(),
      found: fc.constantFrom('fewer replicas' as const, 'queued again' as const, 'running' as const),
    }),
  },
);
type Event = typeof events extends fc.Arbitrary<infer One> ? One : never;

/** More than the planner looks at one by one, so that what it remembers is put to the test; or few. */
const clusters = fc
  .record({
    count: fc.constantFrom(1, 3, 40),
    kinds: fc.array(
      fc.record({
        ram: fc.integer({ min: 2, max: 8 }),
        cpu: fc.integer({ min: 1, max: 6 }),
        models: fc.array(fc.constantFrom('a100', 't4'), { maxLength: 3 }),
        zone: fc.constantFrom('a', 'b'),
        machine: fc.constantFrom({}, {}, { machine: 'one' }, { machine: 'two' }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ count, kinds }) =>
    Array.from({ length: count }, (_, i): Node => {
      const { ram, cpu, models, zone, machine } = kinds[i % kinds.length] as (typeof kinds)[number];
      const total = amounts(ram, cpu, models.length);
      const devices = models.map((model, index) => {
        return { index, model, memory: model === 't4' ? 16_000 : 80_000, free: 1000 };
      });
      const id = `n${String((i * 7) % count).padStart(2, '0')}-${i}`;
      return { id, name: id, total, free: total, devices, schedulable: true, labels: { zone }, ...machine };
    }),
  );

function pick<Item>(items: readonly Item[], which: number): Item | undefined {
  return items[which % items.length];
}

/** Lets all of it happen; after each pass, compares it with a cold one. */
function replay(nodes: readonly Node[], policy: Policy, happened: readonly Event[]): void {
  const planner = new Planner({ nodes, queue: [], holdings: [] }, policy);
  let now = 100 * minute;
  let number = 0;
  for (const event of happened) {
    const { queue, holdings } = planner.snapshot();
    if (event.kind === 'submit') planner.submit(submitted(event, number++, now));
    else if (event.kind === 'end') planner.release(pick(holdings, event.which)?.deploymentId ?? '', now);
    else if (event.kind === 'withdraw') planner.withdraw(pick(queue, event.which)?.id ?? '');
    else if (event.kind === 'reprioritize') planner.reprioritize(pick(queue, event.which)?.id ?? '', event.priority);
    else if (event.kind === 'look') look(planner, pick(holdings, event.which)?.deploymentId ?? '', event.found, now);
    else if (event.kind === 'foreign') setForeign(planner, holdings, nodes, event.uses);
    else if (event.kind === 'cordon') planner.setSchedulable(pick(nodes, event.which)?.id ?? '', event.schedulable);
    else {
      now += event.minutes * minute;
      passAndCompare(planner, policy, now);
    }
  }
  passAndCompare(planner, policy, now);
}

/** What deployments of the cluster itself have, nobody else can have. */
function setForeign(
  planner: Planner,
  holdings: readonly Holding[],
  nodes: readonly Node[],
  uses: readonly PortUse[],
): void {
  const isOwn = ({ machine, port }: PortUse) =>
    holdings.some(
      ({ nodeId, hostPorts }) =>
        hostPorts?.includes(port) === true && nodes.find(({ id }) => id === nodeId)?.machine === machine,
    );
  planner.setForeignPorts(uses.filter((use) => !isOwn(use)));
}

function look(planner: Planner, id: string, found: (Event & { kind: 'look' })['found'], now: number): void {
  const holdings = planner.holdingsOf(id);
  const [first] = holdings;
  if (first === undefined) return;
  const { resources, priority = 1 } = first;
  const request = { perReplica: resources, replicas: holdings.length, gpuModels: [] };
  const standing = {
    'fewer replicas': { queued: null, holdings: holdings.slice(1) },
    'queued again': { queued: { id, request, priority, queuedAt: now, timeLimit: null }, holdings: [] },
    running: { queued: null, holdings: holdings.map((one) => ({ ...one, startedAt: now, endsBy: now + minute })) },
  };
  planner.reconcile(id, standing[found]);
}

function submitted(event: Event & { kind: 'submit' }, number: number, now: number): QueuedDeployment {
  const { request, priority, waited, timeLimit, isService, user } = event;
  return { id: `d${number}`, request, priority, queuedAt: now - waited * minute, timeLimit, isService, user };
}

function sortedBy<Item>(items: readonly Item[], idOf: (item: Item) => string): Item[] {
  return items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

/** Whoever reads the same state anew may find it in another order. */
function reordered({ nodes, queue, holdings, claims = [], foreignPorts = [], runs = {} }: Snapshot): Snapshot {
  return {
    nodes: nodes.toReversed(),
    queue: sortedBy(queue, ({ id }) => id),
    holdings: sortedBy(holdings, ({ deploymentId, nodeId }) => `${deploymentId} ${nodeId}`),
    claims: sortedBy(claims, ({ deploymentId }) => deploymentId),
    foreignPorts: foreignPorts.toReversed(),
    runs,
  };
}

function passAndCompare(planner: Planner, policy: Policy, now: number): void {
  const snapshot = planner.snapshot();
  const cold = plan(reordered(snapshot), policy, now);
  const warm = planner.pass(now);
  expect(warm.decisions()).toEqual(cold.decisions);
  expect(warm.places).toEqual(cold.decisions.filter(({ kind }) => kind === 'place'));
  expect(warm.preempts).toEqual(cold.decisions.filter(({ kind }) => kind === 'preempt'));
  for (const limit of [2, 1000]) expect(warm.waiting(limit)).toEqual(summaryOf(cold.decisions, limit));
  expect([warm.reservations, warm.quality]).toEqual([cold.reservations, cold.quality]);
  expect(planner.snapshot()).toEqual(snapshot);
  planner.start(warm.places, now);
  planner.preempt(warm.preempts);
  expectPortsHeldOnce(planner.snapshot());
}

/** No two running replicas on one machine ever hold the same host port, and nobody has one that another cluster's has. */
function expectPortsHeldOnce({ nodes, holdings, foreignPorts = [] }: Snapshot): void {
  const machines = new Map(nodes.map(({ id, machine = id }) => [id, machine]));
  const held = [
    ...foreignPorts.map(({ machine, port }) => `${machine} ${port}`),
    ...holdings.flatMap(({ nodeId, hostPorts = [] }) => hostPorts.map((port) => `${machines.get(nodeId)} ${port}`)),
  ];
  expect(held.toSorted()).toEqual([...new Set(held)].toSorted());
}

describe('after any sequence of events', () => {
  test('a pass decides what a cold start over the same state does, and changes nothing by itself', () => {
    fc.assert(
      fc.property(clusters, policies, fc.array(events, { maxLength: 40, size: 'max' }), (nodes, policy, happened) =>
        replay(nodes, policy, happened),
      ),
      { numRuns: 300 },
    );
  });

  test('when all has ended, everything is free', () => {
    fc.assert(
      fc.property(clusters, policies, fc.array(events, { maxLength: 30 }), (nodes, policy, happened) => {
        const planner = new Planner({ nodes, queue: [], holdings: [] }, policy);
        let number = 0;
        for (const event of happened) {
          if (event.kind === 'submit') planner.submit(submitted(event, number++, 0));
          planner.start(planner.pass(minute).places, minute);
        }
        for (const { deploymentId } of planner.snapshot().holdings) planner.release(deploymentId);
        const byId = new Map(planner.snapshot().nodes.map((node) => [node.id, node]));
        expect(nodes.map(({ id }) => byId.get(id))).toEqual(nodes);
      }),
    );
  });
});
