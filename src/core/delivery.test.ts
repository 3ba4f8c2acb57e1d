import fc from 'fast-check';
import { expect, test } from 'vitest';
import { delayAfter } from './delivery.ts';

const hours = 3_600_000;

function delays(spread: number): number[] {
  const all: number[] = [];
  for (let attempts = 1; ; attempts += 1) {
    const delay = delayAfter(attempts, spread);
    if (delay === null) return all;
    all.push(delay);
  }
}

test('it is tried again after seconds first, and for about a day in all', () => {
  expect(delays(0.5).slice(0, 4)).toEqual([5_000, 15_000, 45_000, 135_000]);
  const sum = delays(0.5).reduce((a, b) => a + b, 0);
  expect(sum).toBeGreaterThan(23 * hours);
  expect(sum).toBeLessThan(26 * hours);
});

test('no delay is shorter than the one before with the same draw, nor longer than five hours', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (spread) => {
      const all = delays(spread);
      for (const [i, delay] of all.entries()) {
        expect(delay).toBeGreaterThanOrEqual(all[i - 1] ?? 0);
        expect(delay).toBeLessThanOrEqual(5 * hours);
      }
    }),
  );
});

test('however it is drawn, a delay stays within a quarter of what it would be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 13 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, spread) => {
      const middle = delayAfter(attempts, 0.5) ?? 0;
      const drawn = delayAfter(attempts, spread) ?? 0;
      expect(Math.abs(drawn - middle)).toBeLessThanOrEqual(middle / 4 + 1);
    }),
  );
});
