import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareIds } from './ids.ts';
import { effectivePriority, inOrder } from './order.ts';
import { Shapes } from './shape.ts';
import { defaultPolicy, hour, queued, request } from './testing.ts';

describe('effective priority', () => {
  const one = queued('x', request(1, 1), { priority: 10, queuedAt: 0 });

  test('one better for each whole interval, never better than 1', () => {
    const times = [0, hour - 1, hour, 2 * hour, 9 * hour, 10 * hour, 1000 * hour];
    expect(times.map((now) => effectivePriority(one, defaultPolicy, now))).toEqual([10, 10, 9, 8, 1, 1, 1]);
  });

  test('an interval of 0 switches aging off', () => {
    expect(effectivePriority(one, { ...defaultPolicy, agingInterval: 0 }, 1000 * hour)).toBe(10);
  });

  test('a clock that was set back makes nobody younger than new', () => {
    expect(effectivePriority(one, defaultPolicy, -5 * hour)).toBe(10);
  });
});

test('the order is effective priority, then time, then id, whatever the list and however far apart the times', () => {
  const deployments = fc.array(
    fc.record({
      id: fc.string({ maxLength: 3 }),
      priority: fc.integer({ min: 1, max: 4 }),
      queuedAt: fc.oneof(
        fc.integer({ min: 0, max: 5 }),
        fc.double({ min: 0, max: 1e15, noNaN: true }),
        fc.maxSafeInteger(),
      ),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(deployments, (all) => {
      const policy = { ...defaultPolicy, agingInterval: 0 };
      const queue = all.map(({ id, ...more }) => queued(id, request(1, 1), more));
      const slow = queue.toSorted(
        (a, b) => a.priority - b.priority || a.queuedAt - b.queuedAt || compareIds(a.id, b.id),
      );
      const ordered = inOrder(queue, policy, 0);
      const keys = (list: typeof queue) => list.map(({ priority, queuedAt, id }) => [priority, queuedAt, id]);
      expect(keys([...ordered.deployments])).toEqual(keys(slow));
      expect(ordered.effective).toEqual(slow.map(({ priority }) => priority));
    }),
  );
});

test('equal requests are one shape, others are not', () => {
  const requests = [
    request(1, 2, 1),
    request(1, 2, 1),
    request(1, 2, 1, 1, ['a']),
    request(1, 2, 1, 2),
    request(2, 1, 1),
  ];
  const models = [request(1, 1, 1, 1, ['a', 'b']), request(1, 1, 1, 1, ['b', 'a']), request(1, 1, 1, 1, ['a', 'c'])];
  const shapes = new Shapes();
  const indexes = [...requests, ...models].map((one) => shapes.of(one).index);
  expect(indexes).toEqual([0, 0, 1, 2, 3, 4, 4, 5]);
});
