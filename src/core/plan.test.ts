import { describe, expect, test } from 'vitest';
import type { Holding, Plan, QueuedDeployment, Snapshot, Wait } from './model.ts';
import { plan } from './plan.ts';
import { admittedOf, amounts, applied, defaultPolicy, hour, node, occupied, queued, request } from './testing.ts';

function snapshotOf(nodes: Snapshot['nodes'], queue: readonly QueuedDeployment[], holdings: readonly Holding[] = []) {
  return { nodes: occupied(nodes, holdings), queue, holdings };
}

function held(nodeId: string, ram: number, cpu: number, endsBy: number | null = null): Holding {
  return { deploymentId: `on-${nodeId}`, nodeId, resources: amounts(ram, cpu), devices: [], endsBy };
}

function run(nodes: Snapshot['nodes'], queue: readonly QueuedDeployment[], now = 0, policy = defaultPolicy): Plan {
  return plan(snapshotOf(nodes, queue), policy, now);
}

function waitOf(result: Plan, id: string): Wait {
  const decision = result.decisions.find(({ deploymentId }) => deploymentId === id);
  if (decision?.kind !== 'wait') throw new Error(`${id} does not wait`);
  return decision;
}

describe('conformance, scheduling', () => {
  test('25: when only one fits, priority 1 goes before 2', () => {
    const queue = [queued('two', request(8, 2), { priority: 2 }), queued('one', request(8, 2), { priority: 1 })];
    expect(admittedOf(run([node('a', 8, 8)], queue))).toEqual(['one']);
  });

  test('26: equal priority: the older first, then the lower id', () => {
    const queue = [queued('c', request(8, 2), { queuedAt: 5 }), queued('b', request(8, 2)), queued('a', request(8, 2))];
    const result = run([node('a', 16, 8)], queue, 10);
    expect(result.decisions.map(({ deploymentId }) => deploymentId)).toEqual(['a', 'b', 'c']);
    expect(admittedOf(result)).toEqual(['a', 'b']);
  });

  test('27: all three dimensions must fit on one node', () => {
    const nodes = [node('a', 16, 2, 1), node('b', 4, 16, 0)];
    const result = run(nodes, [queued('x', request(8, 4)), queued('y', request(4, 4, 1))]);
    expect(admittedOf(result)).toEqual([]);
    expect(run(nodes, [queued('x', request(8, 2, 1))]).decisions[0]?.kind).toBe('place');
  });

  test('28: an exact fit is admitted, and nothing is left', () => {
    const snapshot = snapshotOf([node('a', 16, 4, 2)], [queued('x', request(16, 4, 2))]);
    const result = plan(snapshot, defaultPolicy, 0);
    expect(admittedOf(result)).toEqual(['x']);
    expect(applied(result, snapshot).nodes[0]?.free).toEqual(amounts(0, 0, 0));
  });

  test('29: a smaller, lower-priority deployment is admitted when the higher one does not fit', () => {
    const snapshot = snapshotOf(
      [node('a', 16, 8)],
      [queued('high', request(12, 1), { priority: 1 }), queued('low', request(4, 1), { priority: 9 })],
      [held('a', 8, 1)],
    );
    const result = plan(snapshot, defaultPolicy, 0);
    expect(admittedOf(result)).toEqual(['low']);
    expect(result.decisions[1]).toMatchObject({ kind: 'place', backfilled: true, outOfTurn: false, position: 2 });
  });

  test('30: several of one level that together exceed the capacity: what exceeds stays queued', () => {
    const queue = ['a', 'b', 'c', 'd'].map((id) => queued(id, request(5, 1)));
    expect(admittedOf(run([node('a', 16, 8)], queue))).toEqual(['a', 'b', 'c']);
  });

  test('32: inside a level the larger admissible set wins: 6+6+6 beats 16 on a cluster of 18', () => {
    const six = ['b', 'c', 'd'].map((id) => queued(id, request(6, 1), { queuedAt: 5 }));
    const result = run([node('n', 18, 8)], [queued('a', request(16, 1)), ...six], 10);
    expect(admittedOf(result)).toEqual(['b', 'c', 'd']);
    expect(waitOf(result, 'a')).toMatchObject({ reason: 'level_chose_larger_set', position: 1, nearestNode: 'n' });
  });

  test('33: 32/8/2 with 16/1/0 at priority 3 and 16/2/0 at 2: one pass, both run, 0/5/2 is left', () => {
    const queue = [queued('three', request(16, 1), { priority: 3 }), queued('two', request(16, 2), { priority: 2 })];
    const snapshot = snapshotOf([node('n', 32, 8, 2)], queue);
    const result = plan(snapshot, defaultPolicy, 0);
    expect(admittedOf(result)).toEqual(['two', 'three']);
    expect(applied(result, snapshot).nodes[0]?.free).toEqual(amounts(0, 5, 2));
  });

  test('35: a second pass with nothing changed changes nothing', () => {
    const queue = ['a', 'b', 'c', 'd'].map((id, i) => queued(id, request(5 + i, 1), { priority: i + 1 }));
    const snapshot = snapshotOf([node('n', 16, 8)], queue);
    const after = applied(plan(snapshot, defaultPolicy, 0), snapshot);
    expect(admittedOf(plan(after, defaultPolicy, 0))).toEqual([]);
  });

  test('37: who waits is told the reason, what is missing and its position', () => {
    const queue = [
      queued('first', request(10, 4), { priority: 1 }),
      queued('second', request(10, 5, 1), { priority: 2 }),
    ];
    expect(waitOf(run([node('n', 16, 8, 2)], queue), 'second')).toMatchObject({
      reason: 'insufficient_resources',
      position: 2,
      shortfall: amounts(4, 1, 0),
      nearestNode: 'n',
      reservation: null,
    });
  });
});

describe('conformance, aging', () => {
  const full = [held('n', 16, 8)];
  const aged = [queued('x', request(4, 1), { priority: 3 })];

  test('38: waited past the interval and allocatable: promoted', () => {
    expect(run([node('n', 16, 8)], aged, hour).decisions[0]).toMatchObject({
      kind: 'place',
      priority: 3,
      effectivePriority: 2,
      promoted: true,
    });
  });

  test('39: past the interval, not allocatable: not promoted', () => {
    expect(waitOf(plan(snapshotOf([node('n', 16, 8)], aged, full), defaultPolicy, hour), 'x')).toMatchObject({
      effectivePriority: 3,
      promoted: false,
    });
  });

  test('40: below the interval unchanged; bounded by the best priority', () => {
    const effectiveAt = (now: number) => run([node('n', 16, 8)], aged, now).decisions[0]?.effectivePriority;
    expect([hour - 1, hour, 2 * hour, 500 * hour].map(effectiveAt)).toEqual([3, 2, 1, 1]);
    expect(run([node('n', 16, 8)], aged, hour - 1).decisions[0]?.promoted).toBe(false);
  });

  test('an older deployment of a lower priority overtakes a newer one of a higher by its age', () => {
    const queue = [
      queued('old', request(8, 1), { priority: 4 }),
      queued('new', request(8, 1), { priority: 3, queuedAt: 2 * hour }),
    ];
    const policy = { ...defaultPolicy, reservationAfter: 100 * hour };
    expect(admittedOf(run([node('n', 8, 8)], queue, 2 * hour, policy))).toEqual(['old']);
  });
});

describe('reasons to wait', () => {
  test('pass_full: it fits, but the pass had admitted as many as it may, in order', () => {
    const queue = ['a', 'b', 'c'].map((id, i) => queued(id, request(1, 1), { priority: i + 1 }));
    const result = run([node('n', 16, 8)], queue, 0, { ...defaultPolicy, maxAdmissions: 2 });
    expect(admittedOf(result)).toEqual(['a', 'b']);
    expect(waitOf(result, 'c').reason).toBe('pass_full');
  });

  test('fragmented: enough in sum, but no one node has it', () => {
    const result = plan(
      snapshotOf([node('a', 8, 8), node('b', 8, 8)], [queued('x', request(6, 1))], [held('a', 4, 1), held('b', 3, 1)]),
      defaultPolicy,
      0,
    );
    expect(waitOf(result, 'x')).toMatchObject({ reason: 'fragmented', nearestNode: 'b', shortfall: amounts(1, 0) });
  });

  test('fragmented: enough GPU in sum, but no device is idle', () => {
    const shared = { ...node('a', 8, 8, 2), free: amounts(8, 8, 1) };
    const nodes = [{ ...shared, devices: shared.devices.map((device) => ({ ...device, free: 500 })) }];
    expect(waitOf(run(nodes, [queued('x', request(1, 1, 1))]), 'x')).toMatchObject({
      reason: 'fragmented',
      shortfall: amounts(0, 0, 1),
    });
  });

  test('insufficient_resources: nodes without its labels neither add to what is free, nor are they the nearest', () => {
    const nodes = [{ ...node('a', 8, 8, 1), labels: { zone: 'a' } }, node('b', 8, 8, 2)];
    const of = { ...request(6, 1, 1), nodeLabels: { zone: 'a' } };
    const snapshot = snapshotOf(nodes, [queued('x', of)], [held('a', 5, 1), held('b', 3, 1)]);
    expect(waitOf(plan(snapshot, defaultPolicy, 0), 'x')).toMatchObject({
      reason: 'insufficient_resources',
      nearestNode: 'a',
      shortfall: amounts(3, 0),
    });
  });

  test('no_schedulable_node: every node that could hold it is cordoned', () => {
    const nodes = [{ ...node('a', 64, 8), schedulable: false }, node('b', 8, 8)];
    expect(waitOf(run(nodes, [queued('x', request(32, 1))]), 'x').reason).toBe('no_schedulable_node');
    expect(waitOf(run(nodes.slice(0, 1), [queued('x', request(32, 1))]), 'x')).toMatchObject({
      reason: 'no_schedulable_node',
      nearestNode: null,
    });
  });

  test('never_fits: the cluster has shrunk; measured against what it has', () => {
    const result = plan(
      snapshotOf([node('a', 8, 8)], [queued('x', request(12, 1))], [held('a', 4, 0)]),
      defaultPolicy,
      0,
    );
    expect(waitOf(result, 'x')).toMatchObject({ reason: 'never_fits', nearestNode: 'a', shortfall: amounts(4, 0) });
  });
});

test('a node that was made smaller than what it holds takes nothing, and disturbs nobody', () => {
  const nodes = [{ ...node('a', 4, 4), free: amounts(-4, 2) }, node('b', 8, 8)];
  const result = plan(
    { nodes, queue: [queued('x', request(4, 1)), queued('y', request(8, 1))], holdings: [] },
    defaultPolicy,
    0,
  );
  expect(admittedOf(result)).toEqual(['x']);
});

test('an empty queue, an empty cluster', () => {
  const quality = { admitted: 0, bound: 0, proven: true, levels: [] };
  expect(run([node('a', 8, 8)], [])).toEqual({ decisions: [], reservations: [], quality });
  expect(waitOf(run([], [queued('x', request(1, 1))]), 'x')).toMatchObject({ reason: 'never_fits', nearestNode: null });
});

test('a queue of 50,000 with a few hundred shapes is planned at once', () => {
  const shapes = Array.from({ length: 300 }, (_, i) => request(1 + (i % 20), 1 + (i % 7), i % 3));
  const queue = Array.from({ length: 50_000 }, (_, i) =>
    queued(`d${i}`, shapes[(i * 7919) % 300] ?? request(1, 1), {
      priority: 1 + ((i * 31) % 100),
      queuedAt: (i * 7907) % 50_000,
    }),
  );
  const before = performance.now();
  const result = run([node('a', 2048, 512, 8)], queue, hour, { ...defaultPolicy, maxAdmissions: 200 });
  expect(admittedOf(result)).toHaveLength(200);
  // About 25 ms on a quiet machine. This only catches what grows with the square of the queue.
  expect(performance.now() - before).toBeLessThan(2000);
});

describe('gangs', () => {
  test('all replicas or none, at once, across nodes', () => {
    const nodes = [node('a', 8, 8), node('b', 8, 8)];
    const result = run(nodes, [queued('x', request(4, 2, 0, 4)), queued('y', request(4, 2, 0, 1))]);
    expect(admittedOf(run(nodes, [queued('x', request(4, 2, 0, 4))]))).toEqual(['x']);
    // Of one level, y alone is as many as x alone; x is the lower id.
    expect(admittedOf(result)).toEqual(['x']);
    expect(waitOf(run(nodes, [queued('z', request(5, 2, 0, 3))]), 'z')).toMatchObject({ reason: 'never_fits' });
  });

  test('how many replicas would fit is told', () => {
    const result = plan(
      snapshotOf([node('a', 8, 8), node('b', 8, 8)], [queued('x', request(4, 2, 0, 4))], [held('a', 3, 1)]),
      defaultPolicy,
      0,
    );
    expect(waitOf(result, 'x')).toMatchObject({ reason: 'insufficient_resources', replicasFitting: 3 });
  });
});

describe('reservations', () => {
  const overdueAt = 2 * hour + 1;
  const big = queued('big', request(16, 1), { priority: 50 });
  const small = (id: string, more: Partial<QueuedDeployment> = {}) =>
    queued(id, request(4, 1), { priority: 1, queuedAt: overdueAt, ...more });

  test('41: what is free is kept for the overdue one, also against higher priorities', () => {
    const snapshot = snapshotOf([node('n', 16, 8)], [big, small('s')], [held('n', 4, 1)]);
    const result = plan(snapshot, defaultPolicy, overdueAt);
    expect(admittedOf(result)).toEqual([]);
    expect(waitOf(result, 's').reason).toBe('held_by_reservation');
    expect(waitOf(result, 'big').reservation).toEqual({
      deploymentId: 'big',
      nodes: [{ nodeId: 'n', resources: amounts(16, 1) }],
      startsAt: null,
    });
    expect(result.reservations).toEqual([waitOf(result, 'big').reservation]);
  });

  test('41: once it fits it is placed before anything else', () => {
    const result = run([node('n', 16, 8)], [big, small('s')], overdueAt);
    expect(admittedOf(result)).toEqual(['big']);
    expect(result.decisions.find(({ kind }) => kind === 'place')).toMatchObject({ outOfTurn: true, backfilled: false });
  });

  test('before it is overdue, higher priorities go first', () => {
    expect(admittedOf(run([node('n', 16, 8)], [big, small('s')], 2 * hour))).toEqual(['s']);
  });

  test('others may take what exceeds the need of the holder', () => {
    const snapshot = snapshotOf([node('n', 16, 8), node('m', 4, 8)], [big, small('s')], [held('n', 4, 1)]);
    const result = plan(snapshot, defaultPolicy, overdueAt);
    expect(result.decisions.find(({ deploymentId }) => deploymentId === 's')).toMatchObject({
      kind: 'place',
      placements: [{ nodeId: 'm' }],
    });
  });

  test('the one that has waited longest stays the holder, also when those held back become overdue', () => {
    const snapshot = snapshotOf([node('n', 16, 8)], [big, small('s', { queuedAt: 10 })], [held('n', 4, 1)]);
    const result = plan(snapshot, defaultPolicy, 5 * hour);
    expect(result.reservations.map(({ deploymentId }) => deploymentId)).toEqual(['big']);
    expect(admittedOf(result)).toEqual([]);
  });

  test('whoever goes before the overdue one and asks for no less stands in for it', () => {
    const urgent = queued('urgent', request(16, 1), { priority: 1, queuedAt: overdueAt });
    const result = run([node('n', 16, 8)], [big, urgent, small('s', { queuedAt: overdueAt - 1 })], overdueAt);
    expect(admittedOf(result)).toEqual(['urgent']);
  });

  test('with time limits: whoever has ended before the holder can start, or leaves its room alone, may run', () => {
    const snapshot = snapshotOf(
      [node('n', 16, 8)],
      [
        queued('big', request(12, 1)),
        small('short', { timeLimit: hour }),
        small('long', { timeLimit: 2 * hour }),
        queued('fits-beside', request(2, 1), { queuedAt: overdueAt }),
      ],
      [held('n', 8, 1, overdueAt + hour)],
    );
    const result = plan(snapshot, defaultPolicy, overdueAt);
    // Until big starts, 8 are free; from then on 4: long takes them, and short runs beside until then. Nothing else fits.
    expect(admittedOf(result)).toEqual(['long', 'short']);
    expect(waitOf(result, 'big').reservation?.startsAt).toBe(overdueAt + hour);
    expect(waitOf(result, 'fits-beside').reason).toBe('insufficient_resources');
  });

  test('a long one is held back that would delay the holder', () => {
    const snapshot = snapshotOf(
      [node('n', 16, 8)],
      [queued('big', request(14, 1)), small('long', { timeLimit: 2 * hour }), small('short', { timeLimit: hour })],
      [held('n', 8, 1, overdueAt + hour)],
    );
    const result = plan(snapshot, defaultPolicy, overdueAt);
    expect(admittedOf(result)).toEqual(['short']);
    expect(waitOf(result, 'long').reason).toBe('held_by_reservation');
  });

  test('a gang is kept room for on several nodes', () => {
    const snapshot = snapshotOf(
      [node('a', 8, 8), node('b', 8, 8)],
      [queued('gang', request(8, 1, 0, 2)), small('s')],
      [held('a', 4, 1)],
    );
    const result = plan(snapshot, defaultPolicy, overdueAt);
    expect(admittedOf(result)).toEqual([]);
    expect(waitOf(result, 'gang').reservation?.nodes.map(({ nodeId }) => nodeId)).toEqual(['a', 'b']);
  });

  test('GPU devices are kept one by one, those nearest to being idle', () => {
    const busy = node('n', 64, 64, 4);
    const holdings: Holding[] = [0, 1, 2].map((index) => ({
      deploymentId: `h${index}`,
      nodeId: 'n',
      resources: amounts(1, 1, 0.5),
      devices: [{ index, amount: 500 }],
      endsBy: null,
    }));
    const share = (id: string) => queued(id, request(1, 1, 0.5), { priority: 1, queuedAt: overdueAt });
    const snapshot = snapshotOf([busy], [queued('big', request(1, 1, 2)), share('s'), share('t')], holdings);
    const result = plan(snapshot, defaultPolicy, overdueAt);
    // Device 3 is idle and 0 is the first half free one: these two are kept; 1 and 2 are not.
    expect(result.decisions.flatMap((one) => (one.kind === 'place' ? one.placements[0]?.devices : []))).toEqual([
      { index: 1, amount: 500 },
      { index: 2, amount: 500 },
    ]);
  });

  test('nothing is kept where only a service would have to go: it may never', () => {
    const service = { ...held('n', 4, 1), isService: true };
    const snapshot = snapshotOf([node('n', 16, 8)], [big, small('s')], [service]);
    const result = plan(snapshot, defaultPolicy, overdueAt);
    expect(admittedOf(result)).toEqual(['s']);
    expect(result.reservations).toEqual([]);
    // With a node beside it that can become free, room is kept there.
    const two = snapshotOf([node('n', 16, 8), node('o', 16, 8)], [big], [service, held('o', 12, 1)]);
    expect(plan(two, defaultPolicy, overdueAt).reservations[0]?.nodes[0]?.nodeId).toBe('o');
  });

  test('nothing is kept for what no schedulable node could ever hold', () => {
    const snapshot = snapshotOf([node('n', 8, 8)], [big, small('s')]);
    expect(admittedOf(plan(snapshot, defaultPolicy, overdueAt))).toEqual(['s']);
  });
});

test('few to choose from, on very many nodes: planned all the same, and not called the best', () => {
  const nodes = Array.from({ length: 3000 }, (_, i) => node(`n${i}`, 4, 4));
  const queue = Array.from({ length: 2 }, (_, i) => queued(`gang${i}`, request(3, 3, 0, 1900 + i)));
  const result = run(nodes, queue);
  expect(admittedOf(result)).toEqual(['gang0']);
  expect(result.quality).toMatchObject({ admitted: 1, bound: 2, proven: false });
});
