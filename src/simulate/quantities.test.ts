import { expect, test } from 'vitest';
import { duration, plainNumber, share } from './quantities.ts';

test.each([
  ['5m', 300],
  ['1h30m', 5400],
  ['1.5h', 5400],
  ['2d', 172_800],
  [90, 90],
  ['5 m', null],
  ['5x', null],
  ['', null],
  [-1, null],
])('duration %s', (written, value) => expect(duration.parse(written)).toBe(value));

test.each([
  ['90%', 0.9],
  ['12.5 %', 0.125],
  [0.5, 0.5],
  [90, null],
  ['101%', null],
  ['much', null],
])('share %s', (written, value) => expect(share.parse(written)).toBe(value));

test('numbers', () =>
  expect(['80', 2.5, '', 'x', -1].map((one) => plainNumber.parse(one))).toEqual([80, 2.5, null, null, null]));

test('durations are written with the two largest units that count', () => {
  expect([0, 1.25, 59, 300, 5400, 90_061].map((one) => duration.format(one))).toEqual([
    '0s',
    '1.3s',
    '59s',
    '5m',
    '1h30m',
    '1d1h',
  ]);
});
