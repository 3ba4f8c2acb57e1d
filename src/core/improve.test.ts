import { describe, expect, test } from 'vitest';
import type { Node, Policy, QueuedDeployment } from './model.ts';
import { plan } from './plan.ts';
import { admittedOf, node, placedBy, queued, request } from './testing.ts';

const policy: Policy = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 500 };

const ram = (id: string, gb: number, priority: number, queuedAt = 0): QueuedDeployment =>
  queued(id, request(gb, 0), { priority, queuedAt });

const share = (id: string, part: number, at: number): QueuedDeployment =>
  queued(id, request(0, 0, part), { priority: 1, queuedAt: at });

/** Admitted by the plan, in the order of their ids. */
function admitted(nodes: readonly Node[], queue: readonly QueuedDeployment[], with_: Partial<Policy> = {}): string[] {
  return admittedOf(plan({ nodes, queue, holdings: [] }, { ...policy, ...with_ }, 0)).toSorted();
}

/** Nodes on which nothing fits: so many that moving others would cost too much. */
const tiny = Array.from({ length: 63 }, (_, i) => node(`tiny-${i}`, 0.001, 0));

describe('one more by moving others', () => {
  const nodes = [node('a', 10, 1), node('b', 10, 1)];
  // The two small ones are placed side by side, where they leave one node whole.
  const queue = [ram('small-1', 3, 1), ram('small-2', 3, 1, 1), ram('large-1', 7, 2), ram('large-2', 7, 2, 1)];

  test('those of a better level move apart for those of a worse one, and run all the same', () => {
    const snapshot = { nodes, queue, holdings: [] };
    const holdings = placedBy(plan(snapshot, policy, 0), snapshot);
    const on = (id: string) => holdings.find(({ deploymentId }) => deploymentId === id)?.nodeId;
    expect(holdings).toHaveLength(4);
    expect(on('small-1')).not.toBe(on('small-2'));
    expect(on('large-1')).not.toBe(on('large-2'));
  });

  test('what runs already is never moved', () => {
    const holdings = ['small-1', 'small-2'].map((deploymentId) => {
      return { deploymentId, nodeId: 'a', resources: { ram: 3000, cpu: 0, gpu: 0 }, devices: [], endsBy: null };
    });
    const [a, b] = nodes as [Node, Node];
    const after = [{ ...a, free: { ...a.free, ram: 4000 } }, b];
    expect(admittedOf(plan({ nodes: after, queue: queue.slice(2), holdings }, policy, 0))).toEqual(['large-1']);
  });

  test('not in large clusters, nor where whoever is expected to be done first goes first', () => {
    expect(admitted([...nodes, ...tiny], queue)).toEqual(['large-1', 'small-1', 'small-2']);
    expect(admitted(nodes, queue, { backfill: 'learned' })).toEqual(['large-1', 'small-1', 'small-2']);
  });

  test('no more than a pass may admit', () => {
    expect(admitted(nodes, queue, { maxAdmissions: 3 })).toEqual(['large-1', 'small-1', 'small-2']);
  });

  test('all replicas of a deployment, or none', () => {
    const pair = queued('pair', request(7, 0, 0, 2), { priority: 2 });
    const triple = queued('triple', request(7, 0, 0, 3), { priority: 2 });
    expect(admitted(nodes, [...queue.slice(0, 2), pair])).toEqual(['pair', 'small-1', 'small-2']);
    expect(admitted([...nodes, node('c', 6, 1)], [...queue.slice(0, 2), triple])).toEqual(['small-1', 'small-2']);
  });

  test('those that share a device all make way for one that needs it whole', () => {
    const gpus = [node('a', 10, 1, 1), node('b', 10, 1, 1)];
    const shares = [share('s1', 0.4, 0), share('s2', 0.3, 1), share('s3', 0.3, 2)];
    const whole = queued('whole', request(0, 0, 1), { priority: 2 });
    expect(admitted(gpus, [...shares, whole])).toEqual(['s1', 's2', 's3', 'whole']);
  });
});

describe('between equally many', () => {
  test('nobody of a better level waits for more of a worse one', () => {
    const nodes = [node('a', 10, 1)];
    expect(admitted(nodes, [ram('large', 8, 1), ram('small-1', 4, 2), ram('small-2', 4, 2)])).toEqual(['large']);
  });

  test('the older run', () => {
    const nodes = [node('a', 10, 1), node('b', 10, 1)];
    const queue = [ram('old', 7, 1, 0), ram('mid', 7, 1, 1), ram('young', 7, 1, 2)];
    expect(admitted(nodes, queue)).toEqual(['mid', 'old']);
  });
});
