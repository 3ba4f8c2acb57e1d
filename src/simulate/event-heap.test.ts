import { expect, test } from 'vitest';
import { EventHeap } from './event-heap.ts';
import { randomOf } from './random.ts';

test('events come by time, those of one instant as they were added', () => {
  const heap = new EventHeap<number>();
  const random = randomOf(3);
  const times = Array.from({ length: 500 }, () => Math.floor(random() * 50));
  times.forEach((at, number) => heap.add(at, number));
  const taken = times.map(() => heap.take() ?? -1);
  expect(taken).toEqual(times.map((_, i) => i).toSorted((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b));
  expect([heap.take(), heap.nextAt]).toEqual([undefined, Number.POSITIVE_INFINITY]);
});
