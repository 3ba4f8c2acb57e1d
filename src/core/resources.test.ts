import { describe, expect, test } from 'vitest';
import type { Placement } from './model.ts';
import { fits } from './resources.ts';
import { amounts, node } from './testing.ts';

function replica(
  ram: number,
  cpu: number,
  shares: readonly (readonly [index: number, amount: number])[] = [],
): Placement {
  const gpu = shares.reduce((sum, [, amount]) => sum + amount, 0);
  return {
    replica: 0,
    nodeId: 'n',
    resources: amounts(ram, cpu, gpu / 1000),
    devices: shares.map(([index, amount]) => ({ index, amount })),
  };
}

describe('fits()', () => {
  const one = node('n', 16, 4, 2);

  test.each([
    ['nothing', [], true],
    ['an exact fit', [replica(8, 2, [[0, 1000]]), replica(8, 2, [[1, 1000]])], true],
    ['too much RAM together', [replica(8, 1), replica(9, 1)], false],
    ['too much CPU', [replica(1, 5)], false],
    ['two shares of one device', [replica(1, 1, [[0, 500]]), replica(1, 1, [[0, 500]])], true],
    ['too much of one device, though the other is idle', [replica(1, 1, [[0, 600]]), replica(1, 1, [[0, 600]])], false],
    ['a device that is not there', [replica(1, 1, [[2, 100]])], false],
    ['nothing of a device', [replica(1, 1, [[0, 0]])], false],
  ] as const)('%s', (_, replicas, expected) => {
    expect(fits(one, replicas)).toBe(expected);
  });

  test('devices must add up to what was asked for, and the node must be the one named', () => {
    expect(fits(one, [{ ...replica(1, 1, [[0, 1000]]), resources: amounts(1, 1, 2) }])).toBe(false);
    expect(fits(one, [{ ...replica(1, 1), nodeId: 'other' }])).toBe(false);
  });

  test('a cordoned node takes nothing new', () => {
    expect(fits({ ...one, schedulable: false }, [replica(1, 1)])).toBe(false);
    expect(fits({ ...one, schedulable: false }, [])).toBe(true);
  });
});
