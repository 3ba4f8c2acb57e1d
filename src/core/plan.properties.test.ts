/** Safety sentences about every plan, tried on random clusters, queues and running deployments. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minute, nodes, now, queues } from '../../test/support/arbitraries.ts';
import { afterAll, canPlace, type State, stateOf } from '../../test/support/brute-force.ts';
import type { Decision, Device, Holding, Node, Place, Placement, Plan, QueuedDeployment, Snapshot } from './model.ts';
import { effectivePriority } from './order.ts';
import { plan } from './plan.ts';
import { fits } from './resources.ts';
import { admittedOf, applied, occupied } from './testing.ts';

const policies = fc.record({
  agingInterval: fc.constantFrom(0, 10 * minute, 60 * minute),
  reservationAfter: fc.constantFrom(5 * minute, 30 * minute, 10_000 * minute),
  maxAdmissions: fc.constantFrom(1, 3, 500),
  backfill: fc.constantFrom('largest_set' as const, 'largest_set' as const, 'learned' as const),
});
const unreserved = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 500 };

/** A cluster on which something runs already: what an earlier plan placed, whatever the planner makes of it. */
const snapshots = fc
  .record({
    nodes,
    running: queues(0, 5, [1]),
    queue: queues(1, 14, [1, 2, 3]),
    ends: fc.array(fc.constantFrom(null, 1, 20, 60)),
  })
  .map(({ nodes: empty, running, queue, ends }): Snapshot => {
    const before: Snapshot = { nodes: empty, queue: running, holdings: [] };
    const after = applied(plan(before, unreserved, now), before);
    const holdings = after.holdings.map((holding, i): Holding => {
      const end = ends[i] ?? null;
      return { ...holding, deploymentId: `running-${i}`, endsBy: end === null ? null : now + end * minute };
    });
    return { nodes: occupied(empty, holdings), queue, holdings };
  });

const places = (result: Plan) => result.decisions.filter((decision): decision is Place => decision.kind === 'place');
const deploymentOf = (snapshot: Snapshot, { deploymentId }: Decision) =>
  snapshot.queue.find(({ id }) => id === deploymentId) as QueuedDeployment;

function property(sentence: string, holds: (snapshot: Snapshot, result: Plan, policy: typeof unreserved) => void) {
  test(sentence, () => {
    fc.assert(
      fc.property(snapshots, policies, (snapshot, policy) => holds(snapshot, plan(snapshot, policy, now), policy)),
      { numRuns: 400 },
    );
  });
}

describe('a plan', () => {
  property('no node and no device ever holds more than it has', (snapshot, result) => {
    for (const node of applied(result, snapshot).nodes) {
      expect(
        Math.min(node.free.ram, node.free.cpu, node.free.gpu, ...node.devices.map(({ free }) => free)),
      ).toBeGreaterThanOrEqual(0);
    }
  });

  property('no two running replicas on one machine ever hold the same host port', (snapshot, result) => {
    const { nodes: there, holdings } = applied(result, snapshot);
    const machineOf = new Map(there.map(({ id, machine }) => [id, machine ?? id]));
    const held = holdings.flatMap(({ nodeId, hostPorts = [] }) =>
      hostPorts.map((port) => `${machineOf.get(nodeId)} ${port}`),
    );
    expect(held.toSorted()).toEqual([...new Set(held)].toSorted());
  });

  property('whoever waits for a port is told one that it needs, and who has it', (snapshot, result) => {
    for (const decision of result.decisions) {
      if (decision.kind !== 'wait') continue;
      expect(decision.portTaken !== undefined).toBe(decision.reason === 'port_taken');
      if (decision.portTaken === undefined) continue;
      const { port, deploymentId } = decision.portTaken;
      expect(deploymentOf(snapshot, decision).request.hostPorts).toContain(port);
      const holder = applied(result, snapshot).holdings.find((one) => one.deploymentId === deploymentId);
      expect(holder?.hostPorts).toContain(port);
    }
  });

  property('a plan applied in full is accepted by fits()', (snapshot, result) => {
    const placements = places(result).flatMap((place) => place.placements);
    for (const node of snapshot.nodes) {
      const here = placements.filter(({ nodeId }) => nodeId === node.id);
      expect(fits(node, here)).toBe(true);
    }
  });

  property('every replica gets exactly what it asked for, all replicas or none', (snapshot, result) => {
    for (const place of places(result)) {
      const { request } = deploymentOf(snapshot, place);
      const together = new Map<string, number>();
      for (const { nodeId } of place.placements) together.set(nodeId, (together.get(nodeId) ?? 0) + 1);
      expect(Math.max(...together.values())).toBeLessThanOrEqual(request.maxPerNode || request.replicas);
      expect(place.placements.map(({ replica }) => replica)).toEqual(
        Array.from({ length: request.replicas }, (_, i) => i),
      );
      for (const placement of place.placements) {
        expect(placement.resources).toEqual(request.perReplica);
        expect(placement.hostPorts ?? []).toEqual(request.hostPorts);
        const host = snapshot.nodes.find(({ id }) => id === placement.nodeId) as Node;
        expect(host.schedulable).toBe(true);
        const devices = placement.devices.map(({ index }) => host.devices.find((one) => one.index === index) as Device);
        if (request.gpuModels.length > 0)
          expect(devices.every(({ model }) => request.gpuModels.includes(model))).toBe(true);
        for (const { memory = 0 } of devices) expect(memory).toBeGreaterThanOrEqual(request.gpuMemory ?? 0);
        for (const [name, value] of Object.entries(request.nodeLabels ?? {})) expect(host.labels?.[name]).toBe(value);
        if (request.perReplica.gpu < 1000) expect(devices.length).toBe(request.perReplica.gpu === 0 ? 0 : 1);
        else expect(devices.length).toBe(request.perReplica.gpu / 1000);
      }
    }
  });

  property('everybody queued is decided once, positions follow the order', (snapshot, result, policy) => {
    expect(result.decisions.map(({ deploymentId }) => deploymentId).toSorted()).toEqual(
      snapshot.queue.map(({ id }) => id).toSorted(),
    );
    expect(result.decisions.map(({ position }) => position)).toEqual(result.decisions.map((_, i) => i + 1));
    const keys = result.decisions.map((decision) => {
      const { queuedAt, id } = deploymentOf(snapshot, decision);
      return [effectivePriority(deploymentOf(snapshot, decision), policy, now), queuedAt, id] as const;
    });
    expect(keys).toEqual(keys.toSorted((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1)));
  });

  property('no more are admitted than one pass may', (_, result, policy) => {
    expect(places(result).length).toBeLessThanOrEqual(policy.maxAdmissions);
  });

  property('no lower priority runs in place of a higher one that would fit', (snapshot, result, policy) => {
    const aged = (decision: Decision) => effectivePriority(deploymentOf(snapshot, decision), policy, now);
    const after = applied(result, snapshot).nodes;
    for (const place of places(result)) {
      // The exception: whoever has waited too long goes before its turn, and room is kept for it.
      if (place.outOfTurn || result.reservations.length > 0) continue;
      const without = occupied(after, place.placements.map(negative));
      for (const other of result.decisions) {
        if (other.kind === 'place' || aged(other) >= aged(place)) continue;
        expect(canPlace(without, deploymentOf(snapshot, other))).toBe(false);
      }
    }
  });

  property(
    'no lower priority runs in place of a higher one that would fit, except for the sake of the reservation',
    (snapshot, result, policy) => {
      const aged = (decision: Decision) => effectivePriority(deploymentOf(snapshot, decision), policy, now);
      const kept = new Set(result.reservations.flatMap((reservation) => reservation.nodes.map(({ nodeId }) => nodeId)));
      // Beside the nodes of the reservation nothing is kept: there the sentence holds for everybody.
      const after = applied(result, snapshot).nodes.filter(({ id }) => !kept.has(id));
      for (const place of places(result)) {
        if (place.outOfTurn) continue;
        const without = occupied(after, place.placements.map(negative));
        for (const other of result.decisions) {
          if (other.kind === 'place' || aged(other) >= aged(place)) continue;
          expect(canPlace(without, deploymentOf(snapshot, other))).toBe(false);
        }
      }
    },
  );

  property(
    'whoever waits does not fit in what is left, unless the pass is full or room is kept',
    (snapshot, result, policy) => {
      const after = applied(result, snapshot).nodes;
      for (const decision of result.decisions) {
        if (decision.kind !== 'wait' || !canPlace(after, deploymentOf(snapshot, decision))) continue;
        if (decision.reason === 'pass_full') expect(places(result).length).toBe(policy.maxAdmissions);
        else expect([decision.reason, result.reservations.length]).toEqual(['held_by_reservation', 1]);
      }
    },
  );

  property('promoted only if it was raised by its age and allocatable', (snapshot, result, policy) => {
    for (const decision of result.decisions) {
      const own = deploymentOf(snapshot, decision);
      const aged = effectivePriority(own, policy, now);
      if (!decision.promoted) {
        expect(decision.effectivePriority).toBe(decision.kind === 'place' ? aged : own.priority);
        continue;
      }
      expect(aged).toBeLessThan(own.priority);
      expect(decision.effectivePriority).toBe(aged);
      const higher = places(result).filter((place) => place.effectivePriority < aged || place.outOfTurn);
      if (decision.kind === 'wait') expect(canPlace(nodesAfter(snapshot, higher), own)).toBe(true);
    }
  });

  property(
    'a second pass over the applied plan admits nobody, unless the first was full',
    (snapshot, result, policy) => {
      if (places(result).length === policy.maxAdmissions || places(result).some(({ outOfTurn }) => outOfTurn)) return;
      expect(admittedOf(plan(applied(result, snapshot, now), policy, now))).toEqual([]);
    },
  );

  property('a reservation with a time is never put off by what is admitted beside it', (snapshot, result, policy) => {
    const [reservation] = result.reservations;
    if (reservation === undefined || reservation.startsAt === null) return;
    const [next] = plan(applied(result, snapshot, now), policy, now).reservations;
    expect(next?.deploymentId).toBe(reservation.deploymentId);
    // Sooner is fine: what was admitted elsewhere may end, and make room, before what ran already.
    expect(next?.startsAt).toBeLessThanOrEqual(reservation.startsAt);
  });

  test('the same snapshot gives the same plan, whatever the order of its lists', () => {
    const shuffled = snapshots.chain((snapshot) =>
      fc.record({
        snapshot: fc.constant(snapshot),
        other: fc.record({
          nodes: shuffle(snapshot.nodes.map((node) => ({ ...node, devices: node.devices.toReversed() }))),
          queue: shuffle(snapshot.queue),
          holdings: shuffle(snapshot.holdings),
        }),
      }),
    );
    fc.assert(
      fc.property(shuffled, policies, ({ snapshot, other }, policy) => {
        expect(plan(other, policy, now)).toEqual(plan(snapshot, policy, now));
      }),
      { numRuns: 400 },
    );
  });
});

describe('inside a level', () => {
  test('for up to 14 candidates every level admits as many as brute force does, where the better levels stand', () => {
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        const result = plan(snapshot, unreserved, now);
        for (const priority of [1, 2, 3]) {
          const better = places(result).filter((place) => place.priority < priority);
          const most = bestByBruteForce(nodesAfter(snapshot, better), levelOf(snapshot, priority));
          expect(admittedAt(result, priority).length).toBe(most.length);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('and of equally many the oldest, where everybody else stands', () => {
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        const result = plan(snapshot, unreserved, now);
        for (const priority of [1, 2, 3]) {
          const others = places(result).filter((place) => place.priority !== priority);
          const oldest = bestByBruteForce(nodesAfter(snapshot, others), levelOf(snapshot, priority));
          expect(admittedAt(result, priority)).toEqual(oldest);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('14 candidates of one level, nothing else running', () => {
    fc.assert(
      fc.property(nodes, queues(9, 14, [1]), (empty, queue) => {
        const snapshot = { nodes: empty, queue, holdings: [] };
        expect(admittedOf(plan(snapshot, unreserved, now))).toEqual(bestByBruteForce(empty, queue));
      }),
      { numRuns: 300 },
    );
  });
});

describe('over all levels', () => {
  const fewer = fc.record({ nodes, queue: queues(1, 9, [1, 2, 3]) }).map(({ nodes: empty, queue }) => {
    return { nodes: empty.slice(0, 2), queue, holdings: [] };
  });

  test('no level could have had more than its part of the bound, beside the chosen of the better ones, wherever they stand', () => {
    fc.assert(
      fc.property(fewer, (snapshot) => {
        const { quality, ...result } = plan(snapshot, unreserved, now);
        const { most, admitted } = levelsIn(snapshot, { quality, ...result });
        expect(most.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(quality.bound);
        if (quality.proven) expect(admitted).toEqual(most);
      }),
      { numRuns: 400 },
    );
  });

  test('nor in a large cluster, where those who do not fit are given up at once', () => {
    const none = { ram: 1, cpu: 0, gpu: 0 };
    const full = Array.from({ length: 64 }, (_, i) => {
      return { id: `full-${i}`, name: `full-${i}`, total: none, free: none, devices: [], schedulable: true };
    });
    const moreThanOneNeeds = fewer.filter(({ queue }) => queue.every(({ request }) => request.perReplica.ram > 1));
    fc.assert(
      fc.property(moreThanOneNeeds, (snapshot) => {
        const result = plan({ ...snapshot, nodes: [...snapshot.nodes, ...full] }, unreserved, now);
        const { most, admitted } = levelsIn(snapshot, result);
        const missed = most.findIndex((count, level) => count > (admitted[level] ?? 0));
        if (result.quality.proven) expect(missed).toBe(-1);
        const counted = missed === -1 ? most : [...admitted.slice(0, missed), most[missed] ?? 0];
        expect(counted.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(result.quality.bound);
      }),
      { numRuns: 400 },
    );
  });
});

function shuffle<Item>(items: readonly Item[]) {
  return fc.shuffledSubarray([...items], { minLength: items.length });
}

const levelOf = ({ queue }: Snapshot, level: number) => queue.filter(({ priority }) => priority === level);
const admittedAt = (result: Plan, level: number) =>
  places(result)
    .filter(({ priority }) => priority === level)
    .map(({ deploymentId }) => deploymentId);

/** By level: how many could run at most beside those chosen of the better levels, wherever they stand; and how many do. */
const levelsIn = (snapshot: Snapshot, result: Plan) => ({
  most: [1, 2, 3].map((level) => {
    const better = places(result).filter(({ priority }) => priority < level);
    const fixed = better.map((place) => deploymentOf(snapshot, place));
    return mostBeside(snapshot.nodes, fixed, levelOf(snapshot, level));
  }),
  admitted: [1, 2, 3].map((level) => admittedAt(result, level).length),
});

/* An oracle of its own: no code of the planner below this line, nor in test/support/brute-force.ts. */

const positive = ({ nodeId, resources, devices, hostPorts = [] }: Placement): Holding => ({
  deploymentId: '',
  nodeId,
  resources,
  devices,
  hostPorts,
  endsBy: null,
});

const negative = ({ nodeId, resources, devices, hostPorts = [] }: Placement): Holding => ({
  deploymentId: '',
  nodeId,
  resources: { ram: -resources.ram, cpu: -resources.cpu, gpu: -resources.gpu },
  devices: devices.map(({ index, amount }) => ({ index, amount: -amount })),
  hostPorts: hostPorts.map((port) => `-${port}`),
  endsBy: null,
});

function nodesAfter(snapshot: Snapshot, placed: readonly Place[]): Node[] {
  return occupied(
    snapshot.nodes,
    placed.flatMap(({ placements }) => placements.map(positive)),
  );
}

interface Reached {
  readonly state: State;
  /** In order, the oldest first. */
  readonly admitted: readonly number[];
}

/**
 * Tries everything: every subset, every assignment. Equal states are followed once, with the best set on the way: whatever
 * comes after is the same for both.
 */
function bestByBruteForce(all: readonly Node[], level: readonly QueuedDeployment[]): string[] {
  const inOrder = level.toSorted((a, b) => a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : 1));
  let reached = new Map<string, Reached>([[JSON.stringify(stateOf(all)), { state: stateOf(all), admitted: [] }]]);
  inOrder.forEach((deployment, i) => {
    const next = new Map(reached);
    for (const { state, admitted } of reached.values()) {
      for (const after of afterAll(state, all, deployment)) {
        const one = { state: after, admitted: [...admitted, i] };
        const other = next.get(JSON.stringify(after));
        if (other === undefined || isBetter(one.admitted, other.admitted)) next.set(JSON.stringify(after), one);
      }
    }
    reached = next;
  });
  const [best] = [...reached.values()].toSorted((a, b) => (isBetter(a.admitted, b.admitted) ? -1 : 1));
  return (best?.admitted ?? []).map((i) => inOrder[i]?.id ?? '');
}

/** As many of a level as can be beside these, which have to be: every subset, every assignment. */
function mostBeside(all: readonly Node[], fixed: readonly QueuedDeployment[], level: readonly QueuedDeployment[]) {
  const follow = (counts: ReadonlyMap<string, number>, one: QueuedDeployment, isFixed: boolean) => {
    const next = new Map(isFixed ? [] : counts);
    for (const [state, count] of counts) {
      for (const after of afterAll(JSON.parse(state), all, one).map((then) => JSON.stringify(then))) {
        next.set(after, Math.max(next.get(after) ?? 0, count + (isFixed ? 0 : 1)));
      }
    }
    return next;
  };
  let counts: ReadonlyMap<string, number> = new Map([[JSON.stringify(stateOf(all)), 0]]);
  for (const one of fixed) counts = follow(counts, one, true);
  for (const one of level) counts = follow(counts, one, false);
  return Math.max(...counts.values());
}

/** More; between equally many, the older at the first place where they differ. */
function isBetter(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return a.length > b.length;
  const differs = a.findIndex((position, i) => position !== b[i]);
  return differs !== -1 && (a[differs] ?? 0) < (b[differs] ?? 0);
}
