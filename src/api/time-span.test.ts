import { expect, it } from 'vitest';
import { spanOf } from './time-span.ts';

const now = Date.parse('2026-11-26T12:00:00Z');

it('is the last 24 hours unless told otherwise', () => {
  expect(spanOf({}, now)).toEqual({ from: new Date('2026-11-25T12:00:00Z'), to: new Date(now) });
  const to = '2026-11-20T12:00:00+02:00';
  expect(spanOf({ to }, now)).toEqual({ from: new Date('2026-11-19T10:00:00Z'), to: new Date('2026-11-20T10:00:00Z') });
});

it('goes forward, and not for ever', () => {
  expect(() => spanOf({ from: '2026-11-26T12:00:00Z' }, now)).toThrow(/`from` must be before `to`/);
  expect(() => spanOf({ from: '2020-01-01T00:00:00Z' }, now)).toThrow(/at most 366 days/);
});
