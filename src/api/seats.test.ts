import { expect, test } from 'vitest';
import { Seats } from './seats.ts';

test('so many at once for an organization, and so many in all', () => {
  const seats = new Seats({ perOrganization: 2, inAll: 3 }, 'terminals');
  const first = seats.take('a');
  seats.take('a');
  expect(() => seats.take('a')).toThrow(/your organization has 2/);
  seats.take('b');
  expect(() => seats.take('b')).toThrow(/there are 3/);
  first();
  seats.take('b');
});

test('giving one back twice is the same as once', () => {
  const seats = new Seats({ perOrganization: 1, inAll: 9 }, 'terminals');
  const giveBack = seats.take('a');
  giveBack();
  seats.take('a');
  giveBack();
  expect(() => seats.take('a')).toThrow(/at once/);
});
