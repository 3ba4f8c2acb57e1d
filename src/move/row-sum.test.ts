import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowSum } from './row-sum.ts';

const rows = fc.array(fc.string().map((text) => text.replaceAll('\n', ' ')));
const totalOf = (pieces: readonly Buffer[]) => {
  const sum = new RowSum();
  for (const piece of pieces) sum.add(piece);
  return sum.total();
};
const textOf = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''));

test('the same rows in another order, cut into other pieces, have the same sum', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 7 }), (lines, size) => {
      const turned = textOf(lines.toReversed());
      const pieces = [];
      for (let at = 0; at < turned.length; at += size) pieces.push(turned.subarray(at, at + size));
      expect(totalOf(pieces)).toEqual(totalOf([textOf(lines)]));
      expect(totalOf(pieces).rows).toBe(lines.length);
    }),
  );
});

test('a row that is missing, there twice, or another one is noticed', () => {
  const { sum } = totalOf([textOf(['a', 'b', 'b'])]);
  for (const other of [
    ['a', 'b'],
    ['a', 'a', 'b'],
    ['a', 'b', 'c'],
    ['ab', 'b', ''],
  ])
    expect(totalOf([textOf(other)]).sum).not.toBe(sum);
});

test('data that ends within a row is no whole table', () => {
  expect(() => totalOf([Buffer.from('a\nb')])).toThrow('ends within a row');
});
