import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Block, formatBlock, freeBlock, overlaps, parseBlock } from './subnets.ts';

const block = (text: string) => {
  const parsed = parseBlock(text);
  if (parsed === null) throw new Error(`${text} is no block`);
  return parsed;
};
const range = block('10.199.0.0/24');

describe('blocks of addresses', () => {
  test.each(['10.199.0.0/16', '0.0.0.0/0', '192.168.1.16/28', '255.255.255.255/32'])(
    '%s is read and written',
    (text) => {
      expect(formatBlock(block(text))).toBe(text);
    },
  );

  test.each(['', '10.0.0.0', '10.0.0/8', '10.0.0.256/24', '10.0.0.0/33', '10.0.0.1/24', 'fd00::/8', 'x/8'])(
    '"%s" is none',
    (text) => expect(parseBlock(text)).toBeNull(),
  );

  test.each([
    [1, '/28'],
    [13, '/28'],
    [14, '/27'],
    [29, '/27'],
    [200, '/24'],
  ])('%i containers get a %s', (members, length) => {
    expect(formatBlock(freeBlock(range, members, [], 7)!)).toContain(length);
  });

  test('none is free where all are taken, or the range is too small', () => {
    expect(freeBlock(range, 2, [block('10.0.0.0/8')], 0)).toBeNull();
    expect(freeBlock(range, 300, [], 0)).toBeNull();
  });

  test('never one that overlaps with another, until the range is full; always within the range', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ members: fc.integer({ min: 1, max: 60 }), seed: fc.nat() }), { maxLength: 40 }),
        fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 8 }),
        (wanted, foreign) => {
          const used = foreign.map((place) => ({ first: range.first + place * 4, size: 4 }));
          for (const { members, seed } of wanted) {
            const found = freeBlock(range, members, used, seed);
            if (found === null) continue;
            expect(used.some((one) => overlaps(one, found))).toBe(false);
            expect(found.first).toBeGreaterThanOrEqual(range.first);
            expect(found.first + found.size).toBeLessThanOrEqual(range.first + range.size);
            expect(found.size - 3).toBeGreaterThanOrEqual(members);
            expect(found.first % found.size).toBe(0);
            used.push(found);
          }
        },
      ),
    );
  });

  test('the smallest are found until there are none: sixteen in a /24', () => {
    const used: Block[] = [];
    for (let found = freeBlock(range, 2, used, 5); found !== null; found = freeBlock(range, 2, used, 5))
      used.push(found);
    expect(used).toHaveLength(16);
  });
});
