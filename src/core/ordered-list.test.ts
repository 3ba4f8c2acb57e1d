import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OrderedList } from './ordered-list.ts';

const byNumber = (a: number, b: number) => a - b;

describe('an ordered list', () => {
  test('holds what a sorted array would, whatever is added and removed', () => {
    const steps = fc.array(fc.record({ number: fc.integer({ min: 0, max: 3000 }), adds: fc.boolean() }), {
      maxLength: 3000,
      size: 'max',
    });
    const start = fc.uniqueArray(fc.integer({ min: 0, max: 3000 }), { maxLength: 2000, size: 'max' });
    fc.assert(
      fc.property(start, steps, fc.nat(3000), fc.nat(3000), (numbers, all, from, to) => {
        const sorted = numbers.toSorted(byNumber);
        const list = new OrderedList(byNumber);
        list.fill(sorted);
        const reference = new Set(sorted);
        for (const { number, adds } of all) {
          if (!adds) expect(list.remove(number)).toBe(reference.delete(number));
          else if (!reference.has(number)) {
            reference.add(number);
            list.add(number);
          }
        }
        const expected = [...reference].toSorted(byNumber);
        expect(list.size).toBe(expected.length);
        expect(list.first()).toBe(expected[0]);
        expect(list.slice(from, to)).toEqual(expected.slice(from, Math.max(from, to)));
        expect(list.countWhile((number) => number < from)).toBe(expected.filter((number) => number < from).length);
      }),
      { numRuns: 60 },
    );
  });
});
