import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodes as manyNodes, minute, now, queues } from '../../test/support/arbitraries.ts';
import type { Holding, Node, Policy, QueuedDeployment, Snapshot, Wait, Window } from './model.ts';
import { plan } from './plan.ts';
import { Planner } from './planner.ts';
import { defaultPolicy, hour, node, occupied, placedBy, queued, request } from './testing.ts';
import { closesAt, lastsOf, opensAt, staysOpen } from './windows.ts';

const window = (from: number, to: number): Window => ({ from: now + from * minute, to: now + to * minute });
const policy: Policy = { ...defaultPolicy, agingInterval: 0 };

const waits = (snapshot: Snapshot, at = now, by = policy) =>
  plan(snapshot, by, at).decisions.filter((decision): decision is Wait => decision.kind === 'wait');
const placedOn = (snapshot: Snapshot, at = now) =>
  placedBy(plan(snapshot, policy, at), snapshot).map((one) => one.nodeId);

describe('a window', () => {
  const soon: Node = { ...node('a', 8, 8), windows: [window(60, 120)] };
  const fit = request(1, 1);
  const only = (of: Partial<QueuedDeployment>, nodes = [soon]): Snapshot => ({
    nodes,
    queue: [queued('x', fit, { queuedAt: now, ...of })],
    holdings: [],
  });

  test('keeps out what would still run when it begins, and nothing else', () => {
    expect(placedOn(only({ timeLimit: hour }))).toEqual(['a']);
    expect(placedOn(only({ timeLimit: hour + 1 }))).toEqual([]);
    expect(placedOn(only({ timeLimit: null }))).toEqual([]);
    // It is moved when the window begins.
    expect(placedOn(only({ timeLimit: null, isService: true }))).toEqual(['a']);
  });

  test('is closed from its beginning to its end, for services too', () => {
    const snapshot = only({ timeLimit: null, isService: true });
    expect(placedOn(snapshot, now + 60 * minute - 1)).toEqual(['a']);
    expect(placedOn(snapshot, now + 60 * minute)).toEqual([]);
    expect(placedOn(snapshot, now + 120 * minute - 1)).toEqual([]);
    expect(placedOn(snapshot, now + 120 * minute)).toEqual(['a']);
  });

  test('is named as the reason, and sends to other nodes', () => {
    expect(waits(only({ timeLimit: null }))).toMatchObject([{ reason: 'maintenance' }]);
    expect(placedOn(only({ timeLimit: null }, [soon, node('b', 1, 1)]))).toEqual(['b']);
    const full: Node = { ...soon, free: { ram: 0, cpu: 0, gpu: 0 } };
    expect(waits(only({ timeLimit: null }, [full]))).toMatchObject([{ reason: 'insufficient_resources' }]);
  });

  test('is jumped over by the start of a reservation', () => {
    const overdue = { queuedAt: now - 5 * hour };
    for (const replicas of [1, 2]) {
      const of = { ...overdue, timeLimit: 2 * hour, request: request(1, 1, 0, replicas) };
      const [wait] = waits(only(of));
      expect(wait?.reservation?.startsAt, `${replicas} replicas`).toBe(now + 120 * minute);
    }
    // What ends first leaves room for half an hour before it; what lasts longer starts behind it.
    const holding: Holding = {
      deploymentId: 'r',
      nodeId: 'a',
      resources: { ram: 8000, cpu: 8000, gpu: 0 },
      devices: [],
      endsBy: now + 30 * minute,
    };
    const full: Snapshot = { ...only(overdue), nodes: occupied([soon], [holding]), holdings: [holding] };
    const startOf = (timeLimit: number) => {
      const queue = full.queue.map((one) => ({ ...one, timeLimit }));
      return waits({ ...full, queue })[0]?.reservation?.startsAt;
    };
    expect(startOf(30 * minute)).toBe(now + 30 * minute);
    expect(startOf(31 * minute)).toBe(now + 120 * minute);
  });
});

const windows = fc.array(
  fc
    .tuple(fc.integer({ min: -60, max: 100 }), fc.integer({ min: 1, max: 60 }))
    .map(([at, length]) => window(at, at + length)),
  { maxLength: 2 },
);
const nodes = fc
  .tuple(manyNodes, fc.array(windows, { minLength: 3, maxLength: 3 }))
  .map(([all, of]) => all.map((one, i): Node => ({ ...one, ...(of[i]?.length && { windows: of[i] }) })));
const queuesOfAll = fc
  .tuple(queues(1, 12, [1, 2]), fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }))
  .map(([queue, services]) =>
    queue.map(
      (one, i): QueuedDeployment => (services[i] && one.timeLimit === null ? { ...one, isService: true } : one),
    ),
  );
const policies = fc.record({
  agingInterval: fc.constantFrom(0, 10 * minute),
  reservationAfter: fc.constantFrom(5 * minute, 10_000 * minute),
  maxAdmissions: fc.constant(500),
  preemption: fc.constantFrom(undefined, { minRunTime: 0 }),
});

function intersects({ windows: of = [] }: Node, from: number, to: number): boolean {
  return of.some((one) => one.from < to && from < one.to);
}

describe('safety', () => {
  test('nothing that could still run is placed into a window', () => {
    fc.assert(
      fc.property(nodes, queuesOfAll, policies, (all, queue, { preemption, ...by }) => {
        const snapshot = { nodes: all, queue, holdings: [] };
        const result = plan(snapshot, { ...by, ...(preemption && { preemption }) }, now);
        for (const decision of result.decisions) {
          if (decision.kind === 'wait') continue;
          const deployment = queue.find(({ id }) => id === decision.deploymentId)!;
          const ends = deployment.isService ? now + 1 : now + (deployment.timeLimit ?? Number.POSITIVE_INFINITY);
          for (const { nodeId } of decision.placements) {
            const where = all.find(({ id }) => id === nodeId)!;
            expect(intersects(where, now, ends)).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('the start of a reservation is never in a window of the nodes that are kept, nor before one that it would reach', () => {
    fc.assert(
      fc.property(nodes, queuesOfAll, (all, queue) => {
        const result = plan({ nodes: all, queue, holdings: [] }, { ...policy, reservationAfter: minute }, now);
        for (const { deploymentId, startsAt, nodes: kept } of result.reservations) {
          if (startsAt === null) continue;
          const { isService, timeLimit } = queue.find(({ id }) => id === deploymentId)!;
          const ends = isService ? startsAt + 1 : startsAt + (timeLimit ?? Number.POSITIVE_INFINITY);
          for (const { nodeId } of kept)
            expect(intersects(all.find(({ id }) => id === nodeId)!, startsAt, ends)).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a planner with a memory decides what a fresh one would, as time goes by', () => {
    fc.assert(
      fc.property(
        nodes,
        queuesOfAll,
        fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 4 }),
        (all, queue, steps) => {
          const planner = new Planner({ nodes: all, queue, holdings: [] }, { ...policy, reservationAfter: 5 * minute });
          let at = now;
          for (const step of [0, ...steps]) {
            at += step * minute;
            const fresh = plan(planner.snapshot(), planner.policy, at);
            const pass = planner.pass(at);
            expect(pass.decisions()).toEqual(fresh.decisions);
            planner.start(pass.places, at);
            for (const { deploymentId } of pass.places.slice(0, 1)) planner.release(deploymentId);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('opensAt is the first time at which it stays open for long enough', () => {
    fc.assert(
      fc.property(windows, fc.constantFrom(0, 5 * minute, 50 * minute, Number.POSITIVE_INFINITY), (of, lasts) => {
        const at = opensAt(of, now, lasts);
        expect(staysOpen(closesAt(of, at), at, lasts)).toBe(true);
        for (let before = now; before < at; before += minute) {
          expect(staysOpen(closesAt(of, before), before, lasts)).toBe(false);
        }
      }),
    );
  });

  test('services may be moved, jobs without a time limit may not be disturbed', () => {
    expect(lastsOf({ timeLimit: 5, isService: true })).toBe(0);
    expect(lastsOf({ timeLimit: 5 })).toBe(5);
    expect(lastsOf({ timeLimit: null })).toBe(Number.POSITIVE_INFINITY);
  });
});
