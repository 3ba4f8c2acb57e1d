import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration, writeDuration } from './duration-input.ts';

test('units may be mixed; a number alone is in seconds', () => {
  expect(parseDuration('90')).toBe(90);
  expect(parseDuration('90 min')).toBe(5_400);
  expect(parseDuration('1h30m')).toBe(5_400);
  expect(parseDuration('1.5 h')).toBe(5_400);
  expect(parseDuration('2 D')).toBe(172_800);
});

test('what is no duration is none', () => {
  for (const text of ['', 'soon', '5 x', '-5', 'h']) expect(parseDuration(text)).toBeNull();
});

test('what is written reads back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 31_536_000 }), (value) => {
      expect(parseDuration(writeDuration(value))).toBe(value);
    }),
  );
});
