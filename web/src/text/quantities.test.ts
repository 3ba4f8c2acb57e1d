import { expect, test } from 'vitest';
import { formatBytes } from './quantities.ts';

test.each([
  [0, '0 B'],
  [9, '9 B'],
  [1536, '1.5 kB'],
  [5 * 1024 ** 2, '5 MB'],
  [3 * 1024 ** 3, '3 GB'],
])('%d bytes are %s', (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown);
});
