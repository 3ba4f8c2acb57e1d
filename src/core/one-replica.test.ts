import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Node, Placement, Request } from './model.ts';
import { placeReplica } from './one-replica.ts';
import { fits } from './resources.ts';

function node(id: string, ram: number, cpu: number, devices: readonly number[] = []): Node {
  const amounts = { ram, cpu, gpu: devices.reduce((sum, free) => sum + free, 0) };
  return {
    id,
    name: id,
    total: { ram: 100_000, cpu: 100_000, gpu: devices.length * 1000 },
    free: amounts,
    devices: devices.map((free, index) => ({ index, model: 'generic', free })),
    schedulable: true,
  };
}
const request = (ram: number, cpu: number, gpu = 0, given: Partial<Request> = {}): Request => ({
  perReplica: { ram, cpu, gpu },
  replicas: 3,
  gpuModels: [],
  ...given,
});
const held = (nodeId: string, ram: number, cpu: number, devices: Placement['devices'] = []): Placement => ({
  replica: 1,
  nodeId,
  resources: { ram, cpu, gpu: devices.reduce((sum, { amount }) => sum + amount, 0) },
  devices,
});

describe('one replica', () => {
  test('stays where it is if there is room with its own, and takes only what is more', () => {
    const nodes = [node('a', 1000, 0), node('b', 9000, 9000)];
    const answer = placeReplica({
      nodes,
      request: request(3000, 500),
      replica: 1,
      held: held('a', 2000, 1000),
      others: [],
    });
    expect(answer).toMatchObject({
      kind: 'place',
      placement: { replica: 1, nodeId: 'a', resources: { ram: 3000, cpu: 500, gpu: 0 } },
      beside: { nodeId: 'a', resources: { ram: 1000, cpu: 0, gpu: 0 } },
    });
  });

  test('goes elsewhere where there is not, and then takes all of it', () => {
    const nodes = [node('a', 500, 0), node('b', 9000, 9000)];
    const answer = placeReplica({
      nodes,
      request: request(3000, 500),
      replica: 1,
      held: held('a', 2000, 1000),
      others: [],
    });
    expect(answer).toMatchObject({
      kind: 'place',
      placement: { nodeId: 'b' },
      beside: { nodeId: 'b', resources: { ram: 3000 } },
    });
  });

  test('waits where there is nowhere, and says what is missing', () => {
    const nodes = [node('a', 500, 0)];
    const answer = placeReplica({
      nodes,
      request: request(3000, 500),
      replica: 1,
      held: held('a', 2000, 1000),
      others: [],
    });
    expect(answer).toMatchObject({ kind: 'wait' });
    expect(answer.kind === 'wait' && answer.message).toMatch(/RAM|GB/);
  });

  test('shares a node with no more of its own than it may', () => {
    const nodes = [node('a', 9000, 9000), node('b', 9000, 9000)];
    const asked = { nodes, request: request(1000, 1000, 0, { maxPerNode: 1 }), replica: 2, held: null };
    expect(placeReplica({ ...asked, others: ['a'] })).toMatchObject({ kind: 'place', placement: { nodeId: 'b' } });
    expect(placeReplica({ ...asked, others: ['a', 'b'] })).toMatchObject({ kind: 'wait' });
  });

  test('keeps its devices, and takes others beside them', () => {
    const nodes = [node('a', 9000, 9000, [0, 1000, 1000])];
    const own = held('a', 1000, 1000, [{ index: 0, amount: 1000 }]);
    const answer = placeReplica({ nodes, request: request(1000, 1000, 2000), replica: 1, held: own, others: [] });
    expect(answer.kind === 'place' && answer.placement.devices.reduce((sum, { amount }) => sum + amount, 0)).toBe(2000);
  });
});

test('what is held for it always fits beside what it holds, and both are enough for what it becomes', () => {
  const amount = fc.integer({ min: 0, max: 8 }).map((n) => n * 500);
  const some = fc.record({
    ram: amount,
    cpu: amount,
    shares: fc.array(fc.constantFrom(0, 500, 1000), { minLength: 2, maxLength: 2 }),
  });
  fc.assert(
    fc.property(some, some, some, fc.constantFrom(0, 500, 1000, 2000), (free, own, wanted, gpu) => {
      const shares = own.shares.map((share, index) => ({ index, amount: share })).filter((share) => share.amount > 0);
      // What is held is not free.
      const left = free.shares.map((share, index) => Math.min(share, 1000 - (own.shares[index] ?? 0)));
      const a = node('a', free.ram, free.cpu, left);
      const b = node('b', free.cpu, free.ram, free.shares);
      const before = held('a', own.ram, own.cpu, shares);
      const answer = placeReplica({
        nodes: [a, b],
        request: request(wanted.ram, wanted.cpu, gpu),
        replica: 1,
        held: before,
        others: [],
      });
      if (answer.kind === 'wait') return;
      const { placement, beside } = answer;
      expect(fits(placement.nodeId === 'a' ? a : b, [beside])).toBe(true);
      const base = placement.nodeId === 'a' ? before : held('b', 0, 0);
      for (const dimension of ['ram', 'cpu'] as const) {
        expect(base.resources[dimension] + beside.resources[dimension]).toBeGreaterThanOrEqual(
          placement.resources[dimension],
        );
      }
      for (const { index, amount: needed } of placement.devices) {
        const has = [...base.devices, ...beside.devices].reduce(
          (sum, one) => sum + (one.index === index ? one.amount : 0),
          0,
        );
        expect(has).toBeGreaterThanOrEqual(needed);
      }
    }),
  );
});
