import { expect, it } from 'vitest';
import { requestHash } from './idempotency.ts';

function hash(body: unknown): string {
  return requestHash(body).toString('hex');
}

it('tells requests apart by what they say, not by the order in which they say it', () => {
  expect(hash({ a: 1, b: { c: [1, 2], d: null } })).toBe(hash({ b: { d: null, c: [1, 2] }, a: 1 }));
  expect(hash({ c: [1, 2] })).not.toBe(hash({ c: [2, 1] }));
  expect(hash({ a: 1 })).not.toBe(hash({ a: '1' }));
});
