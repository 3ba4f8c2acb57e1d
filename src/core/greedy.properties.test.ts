import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundOf } from './admit.ts';
import { type Choice, type Level, sizeOf } from './choice.ts';
import { admitGreedily, admitInTwo } from './greedy.ts';
import type { Request } from './model.ts';
import { release } from './place.ts';
import { Room } from './room.ts';
import { shapeOf } from './shape.ts';
import { smallestInSum } from './size.ts';
import { node } from './testing.ts';

const nodes = fc
  .array(fc.record({ ram: fc.integer({ min: 1, max: 16 }), gpu: fc.integer({ min: 0, max: 4 }) }), {
    minLength: 1,
    maxLength: 8,
  })
  .map((sizes) => sizes.map(({ ram, gpu }, i) => node(`n${i}`, ram, 2 * gpu + 4, gpu)));

const requests: fc.Arbitrary<Request> = fc.record({
  perReplica: fc.record({
    ram: fc.integer({ min: 0, max: 8000 }),
    cpu: fc.integer({ min: 0, max: 6000 }),
    gpu: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constantFrom(0, 1000, 2000)),
  }),
  replicas: fc.constantFrom(1, 1, 1, 2),
  gpuModels: fc.constant([]),
});

const groups = fc.array(fc.record({ request: requests, count: fc.integer({ min: 1, max: 6 }) }), { maxLength: 8 });

/** Of each shape so many, those of a shape one after the other. */
function levelOf(room: Room, of: readonly { readonly request: Request; readonly count: number }[]): Level {
  const turns: number[] = [];
  const candidates = of
    .map(({ request, count }) => ({ shape: shapeOf(request), count }))
    .filter(({ shape }) => room.holds(shape, 'free'))
    .map(({ shape, count }, i) => {
      const members = Array.from({ length: count }, () => turns.push(i) - 1);
      return { shape, asker: 'free' as const, members };
    });
  return { candidates, turns };
}

/** All that a choice needs is taken at once: fails where a node or device has less. */
function takeAll(room: Room, { candidates }: Level, choice: Choice): void {
  choice.forEach((chosen, i) => {
    const shape = candidates[i]?.shape as Level['candidates'][number]['shape'];
    for (const spot of chosen.flat()) room.take(shape, spot, 'free');
  });
  for (const at of room.nodes.keys()) {
    expect(Math.min(room.freeRam(at, 'free'), room.freeCpu(at, 'free'))).toBeGreaterThanOrEqual(0);
  }
  expect(Math.min(room.free().ram, room.free().cpu, room.free().gpu)).toBeGreaterThanOrEqual(0);
  release(room, candidates, choice);
}

describe('in two rounds', () => {
  test('more than the least or nothing, never more than there is or than may be; and the room is left as it was', () => {
    fc.assert(
      fc.property(nodes, groups, fc.integer({ min: 1, max: 40 }), (there, of, may) => {
        const room = new Room(there);
        const level = levelOf(room, of);
        if (level.candidates.length === 0) return;
        const most = Math.min(may, boundOf(level, room.free()));
        const greedy = admitGreedily(room, level.candidates, smallestInSum(level.candidates, room.free()), most);
        release(room, level.candidates, greedy);
        const before = room.free();
        const choice = admitInTwo(room, level.candidates, sizeOf(greedy), most);
        expect(room.free()).toEqual(before);
        if (choice === null) return;
        expect(sizeOf(choice)).toBeGreaterThan(sizeOf(greedy));
        expect(sizeOf(choice)).toBeLessThanOrEqual(most);
        choice.forEach((chosen, i) => {
          expect(chosen.length).toBeLessThanOrEqual(level.candidates[i]?.members.length ?? 0);
        });
        takeAll(room, level, choice);
      }),
      { numRuns: 400 },
    );
  });

  test('those that are hard to place first: what the smallest first would leave room for, and more', () => {
    // The smallest first spreads over both nodes nothing large fits beside: 4 + 4 of 9 leave 1.
    const there = [node('a', 9, 9), node('b', 9, 9)];
    const room = new Room(there);
    const level = levelOf(room, [
      { request: { perReplica: { ram: 4000, cpu: 0, gpu: 0 }, replicas: 1, gpuModels: [] }, count: 2 },
      { request: { perReplica: { ram: 5000, cpu: 0, gpu: 0 }, replicas: 1, gpuModels: [] }, count: 2 },
    ]);
    const greedy = admitGreedily(room, level.candidates, smallestInSum(level.candidates, room.free()), 4);
    release(room, level.candidates, greedy);
    expect(sizeOf(greedy)).toBe(3);
    expect(sizeOf(admitInTwo(room, level.candidates, 3, 4) ?? [])).toBe(4);
  });
});
