import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coresBetween, oversizes, type ReplicaUsage, sayOversize } from './usage.ts';

describe('cores in use', () => {
  test.each([
    ['half a core', { at: 1000, cpuMs: 100 }, { at: 3000, cpuMs: 1100 }, 500],
    ['four cores', { at: 0, cpuMs: 0 }, { at: 500, cpuMs: 2000 }, 4000],
    ['none', { at: 0, cpuMs: 7 }, { at: 500, cpuMs: 7 }, 0],
    ['the same moment', { at: 1000, cpuMs: 100 }, { at: 1000, cpuMs: 200 }, null],
    ['a clock that was set back', { at: 1000, cpuMs: 100 }, { at: 900, cpuMs: 200 }, null],
    ['a container that began anew', { at: 1000, cpuMs: 100 }, { at: 2000, cpuMs: 3 }, null],
  ])('%s', (_, before, now, expected) => expect(coresBetween(before, now)).toBe(expected));
});

const replica = (given: Partial<ReplicaUsage> = {}): ReplicaUsage => ({
  asked: { ram: 8000, cpu: 4000 },
  watchedMs: 60_000,
  peakRam: 4000,
  cpuMs: 200_000,
  ...given,
});

describe('a request that is far too large', () => {
  test('of memory: less than a quarter of it was ever used', () => {
    const [found] = oversizes([replica({ peakRam: 1999 })]);
    expect(found).toEqual({ dimension: 'ram', asked: 8000, used: 1999, enough: 3000 });
    expect(oversizes([replica({ peakRam: 2000 })])).toEqual([]);
  });

  test('of cores: on average less than a quarter of them worked', () => {
    expect(oversizes([replica({ cpuMs: 59_000 })])).toEqual([
      { dimension: 'cpu', asked: 4000, used: 983, enough: 1500 },
    ]);
    expect(oversizes([replica({ cpuMs: 60_000 })])).toEqual([]);
    expect(oversizes([replica({ asked: { ram: 8000, cpu: 1000 }, cpuMs: 0 })])).toEqual([]);
  });

  test('is not told before it has been watched for a minute, nor of no replica', () => {
    expect(oversizes([replica({ peakRam: 1, watchedMs: 59_999 })])).toEqual([]);
    expect(oversizes([])).toEqual([]);
  });

  test('the busiest of the replicas counts, and all must have been watched', () => {
    expect(oversizes([replica({ peakRam: 1 }), replica()])).toEqual([]);
    expect(oversizes([replica({ peakRam: 1 }), replica({ peakRam: 2, watchedMs: 1 })])).toEqual([]);
  });

  test('in words', () => {
    expect(oversizes([replica({ peakRam: 120, cpuMs: 3000 })]).map(sayOversize)).toEqual([
      'asks for 8 GB of memory and never used more than 0.12: 0.2 would be enough',
      'asks for 4 cores and used on average no more than 0.05: 0.1 would be enough',
    ]);
  });

  test('what is called enough is less than what was asked for, and more than was used', () => {
    const amount = fc.integer({ min: 1, max: 1_000_000 });
    const usage = fc.record({
      asked: fc.record({ ram: amount, cpu: amount }),
      watchedMs: fc.integer({ min: 0, max: 1e9 }),
      peakRam: fc.integer({ min: 0, max: 1_000_000 }),
      cpuMs: fc.integer({ min: 0, max: 1e9 }),
    });
    fc.assert(
      fc.property(usage, (one) => {
        for (const { asked, used, enough } of oversizes([one])) {
          expect(enough).toBeLessThan(asked);
          expect(enough).toBeGreaterThan(used);
        }
      }),
    );
  });
});
