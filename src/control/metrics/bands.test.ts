import { expect, test } from 'vitest';
import { bandOf, bands } from './bands.ts';

test('every priority is in the band whose ends it is between', () => {
  for (let priority = 1; priority <= 100; priority++) {
    const [first = 0, last = 0] = bandOf(priority).split('-').map(Number);
    expect(priority).toBeGreaterThanOrEqual(first);
    expect(priority).toBeLessThanOrEqual(last);
  }
});

test('there are few bands, as each makes a series of every bucket', () => {
  expect(bands).toEqual(['1-10', '11-25', '26-50', '51-75', '76-100']);
});
