import { expect, test } from 'vitest';
import { VirtualClock } from './clock.ts';

test('runs what is due in the order of its time, then of its setting', () => {
  const clock = new VirtualClock(100);
  const ran: [string, number][] = [];
  const note = (name: string) => () => void ran.push([name, clock.now()]);
  clock.after(20, note('late'));
  clock.after(10, note('first'));
  clock.after(10, note('second'));
  clock.after(30, note('not yet'));
  const callOff = clock.after(5, note('called off'));
  callOff();
  clock.after(15, () => {
    note('middle')();
    clock.after(0, note('set on the way'));
  });
  clock.advance(20);
  expect(ran).toEqual([
    ['first', 110],
    ['second', 110],
    ['middle', 115],
    ['set on the way', 115],
    ['late', 120],
  ]);
  expect(clock.now()).toBe(120);
});
