import { expect, test } from 'vitest';
import { jainIndex, percentile, statisticsOf } from './statistics.ts';

test('percentiles are values, by nearest rank', () => {
  const sorted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect([0, 50, 90, 91, 100].map((percent) => percentile(sorted, percent))).toEqual([1, 5, 9, 10, 10]);
});

test('of nothing there are none', () => {
  expect(statisticsOf([])).toEqual({ mean: null, p50: null, p90: null, p99: null, max: null });
  expect(jainIndex([])).toBeNull();
});

test('fairness is 1 among equals, and 1/n where one has all', () => {
  expect([jainIndex([2, 2, 2]), jainIndex([5, 0, 0, 0])]).toEqual([1, 0.25]);
});
