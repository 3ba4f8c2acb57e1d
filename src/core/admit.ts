/**
 * The largest admissible set: of the deployments of one effective priority, as many as can run beside each other; between
 * equally many the older ones. This is a multidimensional knapsack with unit profits over several bins, NP-hard in general.
 * So: everybody in order, if no set can be larger; else several greedy orders; else, where few enough are left to choose
 * from, exact search (search.ts).
 *
 * Equal requests are interchangeable: of one shape the oldest go first, and a shape that no longer fits is done.
 */
import { mostOf } from './bound.ts';
import { type Candidates, type Choice, type Level, sizeOf } from './choice.ts';
import { admitGreedily, admitInTwo } from './greedy.ts';
import type { Budget } from './pack.ts';
import { placeOne, release, type Spots } from './place.ts';
import type { Free, Room } from './room.ts';
import { searchLargest } from './search.ts';
import { greedyOrders, smallestInSum } from './size.ts';

/** What was chosen of a level, and how good that is. */
export interface Admission {
  readonly choice: Choice;
  /** No choice has more deployments than this. */
  readonly bound: number;
}

/** Chooses the largest set, at most `most` deployments; between equally large ones the oldest. Takes their room. */
export function admitLargest(room: Room, level: Level, most: number, budget: Budget): Admission {
  const { candidates } = level;
  const bound = Math.min(most, boundOf(level, room.free()));
  if (bound < level.turns.length && candidates.length * room.nodes.length > largeLevel) {
    return { choice: admitGreedily(room, candidates, smallestInSum(candidates, room.free()), most), bound };
  }
  const inOrder = admitInOrder(room, level, most);
  if (sizeOf(inOrder) === bound && isOldest(level, inOrder)) return { choice: inOrder, bound };
  release(room, candidates, inOrder);
  let best = inOrder;
  if (sizeOf(inOrder) < bound) {
    for (const order of greedyOrders(candidates, room.free())) {
      const choice = admitGreedily(room, candidates, order, most);
      release(room, candidates, choice);
      if (isBetter(candidates, choice, best)) best = choice;
    }
    if (isWorthRounds(room, best)) best = admitInTwo(room, candidates, sizeOf(best), bound) ?? best;
  }
  const search = searchLargest(room, candidates, { least: sizeOf(best), most: bound }, budget);
  best = search.choice ?? best;
  retake(room, candidates, best);
  return { choice: best, bound: search.isComplete ? sizeOf(best) : bound };
}

/**
 * Above so many pairs of a shape and a node, to try several orders costs more than the rest of the pass: then one is tried, the
 * one that is the best on average.
 */
const largeLevel = 600_000;

/** In clusters of so many nodes others are moved to make room (improve.ts): that finds more. */
export const fewNodes = 64;

/** In clusters of more nodes, to place in two rounds (greedy.ts) would halve the number of decisions per second. */
const manyNodes = 2000;

/** Where fewer find room, the order in which they are placed makes no difference worth its cost. */
const fewPlaced = 100;

function isWorthRounds({ nodes }: Room, best: Choice): boolean {
  return nodes.length > fewNodes && nodes.length <= manyNodes && sizeOf(best) >= fewPlaced;
}

/** Everybody in turn, whoever fits. */
function admitInOrder(room: Room, level: Level, most: number): Choice {
  const choice: Spots[][] = level.candidates.map(() => []);
  const done = new Uint8Array(level.candidates.length);
  let left = most;
  for (const turn of level.turns) {
    if (left === 0) break;
    if (done[turn] === 1) continue;
    const { shape, asker } = level.candidates[turn] as Candidates;
    const spots = placeOne(room, shape, asker);
    if (spots === null) done[turn] = 1;
    else {
      choice[turn]?.push(spots);
      left--;
    }
  }
  return choice;
}

/** Takes the room of a choice that was released: the spots are still free, so they are the same. */
function retake(room: Room, candidates: readonly Candidates[], choice: Choice): void {
  choice.forEach((chosen, i) => {
    const { shape, asker } = candidates[i] as Candidates;
    for (const spot of chosen.flat()) room.take(shape, spot, asker);
  });
}

/** More deployments; between equally many, the older at the first place where they differ. */
function isBetter(candidates: readonly Candidates[], a: Choice, b: Choice): boolean {
  if (sizeOf(a) !== sizeOf(b)) return sizeOf(a) > sizeOf(b);
  const [ofA, ofB] = [positionsOf(candidates, a), positionsOf(candidates, b)];
  const differs = ofA.findIndex((position, i) => position !== ofB[i]);
  return differs !== -1 && (ofA[differs] ?? 0) < (ofB[differs] ?? 0);
}

/** Is nobody left out who is older than someone chosen? Then no set of this size is older. */
function isOldest(level: Level, choice: Choice): boolean {
  const left = choice.map((chosen) => chosen.length);
  return level.turns.slice(0, sizeOf(choice)).every((turn) => {
    left[turn] = (left[turn] ?? 0) - 1;
    return (left[turn] ?? 0) >= 0;
  });
}

function positionsOf(candidates: readonly Candidates[], choice: Choice): number[] {
  return choice.flatMap((chosen, i) => candidates[i]?.members.slice(0, chosen.length) ?? []).toSorted((a, b) => a - b);
}

/** No set can have more than this. */
export function boundOf({ candidates }: Level, free: Free): number {
  return mostOf(
    candidates.map(({ shape, members }) => ({ shape, count: members.length })),
    free,
  );
}
