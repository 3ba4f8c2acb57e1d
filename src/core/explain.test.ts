import { describe, expect, test } from 'vitest';
import { engineLabel } from './engine-label.ts';
import { explainWait } from './explain.ts';
import type { Request, Wait } from './model.ts';
import { amounts, request } from './testing.ts';

function sentence(of: Request, wait: Partial<Wait>): string {
  const waits: Wait = {
    kind: 'wait',
    deploymentId: 'x',
    position: 1,
    priority: 50,
    effectivePriority: 50,
    promoted: false,
    reason: 'insufficient_resources',
    shortfall: amounts(0, 0, 0),
    nearestNode: 'a',
    replicasFitting: 0,
    reservation: null,
    ...wait,
  };
  return explainWait(waits, of, () => null);
}

describe('why it waits, in words', () => {
  test('what is needed, what is free and what is missing, where it comes nearest', () => {
    expect(sentence(request(1, 1, 2), { shortfall: amounts(0, 0, 1) })).toBe(
      'needs 2 GPUs, 1 is free on node a (1 short)',
    );
    expect(sentence(request(16, 1), { shortfall: amounts(5.5, 0.25) })).toBe(
      'needs 16 GB of RAM, 10.5 are free on node a (5.5 short); needs 1 core, 0.75 is free on node a (0.25 short)',
    );
  });

  test('a gang says how many of its replicas would fit', () => {
    expect(sentence(request(8, 1, 0, 4), { replicasFitting: 3, shortfall: amounts(3, 0) })).toBe(
      'needs 4 replicas at once, 3 would fit; each needs 8 GB of RAM, 5 are free on node a (3 short)',
    );
    expect(sentence(request(8, 1, 0, 4), { replicasFitting: 3 })).toBe('needs 4 replicas at once, 3 would fit');
  });

  test('which nodes and devices would do, where not every one does', () => {
    const picky: Request = { ...request(8, 1, 2), gpuMemory: 80_000, nodeLabels: { zone: 'a' } };
    expect(sentence(picky, { shortfall: amounts(0, 0, 1) })).toBe(
      'needs 2 GPUs with 80 GB each, 1 is free on node a (1 short), of the nodes with zone=a',
    );
    expect(sentence({ ...request(8, 1), nodeLabels: { zone: 'a' } }, {})).toBe(
      'no node has room, of the nodes with zone=a',
    );
    const apart: Request = { ...request(8, 1, 0, 3), maxPerNode: 1 };
    expect(sentence(apart, { replicasFitting: 3 })).toBe('needs 3 replicas at once, each on a node of its own');
    expect(sentence({ ...apart, maxPerNode: 2 }, { replicasFitting: 1 })).toBe(
      'needs 3 replicas at once, at most 2 on a node, 1 would fit',
    );
  });

  test('the engine of its volumes by its name, and never by the label that stands for it', () => {
    const nodeLabels = { zone: 'a', [engineLabel('0190')]: '' };
    const bound: Request = { ...request(8, 1), nodeLabels, volumesOn: 'the engine box' };
    expect(sentence(bound, { shortfall: amounts(2, 0) })).toBe(
      'needs 8 GB of RAM, 6 are free on node a (2 short), of the nodes with zone=a on the engine box (where its volumes are)',
    );
    expect(sentence(bound, { reason: 'never_fits', nearestNode: null })).toBe(
      'its volumes are on the engine box, and the cluster has no node there with zone=a',
    );
  });

  test('the other reasons', () => {
    const of = request(8, 1);
    const short = { shortfall: amounts(2, 0) };
    expect(sentence(of, { reason: 'pass_full' })).toContain('the next one takes it');
    expect(sentence(of, { reason: 'held_by_reservation' })).toContain('kept for one that has waited longer');
    expect(sentence(of, { reason: 'fragmented', ...short })).toContain(
      'not in one place: needs 8 GB of RAM, 6 are free',
    );
    expect(sentence(of, { reason: 'level_chose_larger_set', ...short })).toContain('more in number');
    expect(sentence(of, { reason: 'never_fits', ...short })).toContain('6 are all there is on node a');
    expect(sentence(of, { reason: 'no_schedulable_node', nearestNode: null })).toContain('cordoned');
  });

  test('whoever has a reservation is told so', () => {
    const reservation = { deploymentId: 'x', nodes: [], startsAt: null };
    expect(sentence(request(8, 1), { reservation, shortfall: amounts(2, 0) })).toContain('room is being kept for it');
  });
});
