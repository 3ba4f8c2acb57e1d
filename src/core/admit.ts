/**
 * The largest admissible set: of the deployments of one effective priority, as many as can run beside each other; between
 * equally many the older ones. This is a multidimensional knapsack with unit profits over several bins, NP-hard in general,
 * so: whoever fits in order is taken if that is all there is to win; else several greedy orders; else, where few enough are
 * left to choose from, exact search (search.ts).
 *
 * Equal requests are interchangeable: of one shape the oldest go first, and a shape that no longer fits is done.
 */
import type { Budget } from './pack.ts';
import { giveBack, placeOne, placeSeveral, type Spots } from './place.ts';
import type { Asker, Free, Room } from './room.ts';
import { searchLargest } from './search.ts';
import type { Shape } from './shape.ts';

/** The deployments of one shape in a level. All of them fit alone. */
export interface Candidates {
  readonly shape: Shape;
  readonly asker: Asker;
  /** Their positions in the order of the queue, the oldest first. */
  readonly members: readonly number[];
}

/** One deployment that has been given room. */
export interface Admission {
  readonly position: number;
  readonly spots: Spots;
}

/** How many of each of the candidates, and where: parallel to the list of candidates. */
export type Choice = readonly (readonly Spots[])[];

/** Admits the largest set, at most `most` deployments. Takes their room. */
export function admitLargest(room: Room, candidates: readonly Candidates[], most: number, budget: Budget): Admission[] {
  if (most <= 0 || candidates.length === 0) return [];
  const bound = Math.min(most, upperBound(room.free(), candidates));
  const inOrder = admitInOrder(room, candidates, most);
  if (size(inOrder) >= bound) return admissions(candidates, inOrder);
  release(room, candidates, inOrder);
  let best = inOrder;
  for (const order of greedyOrders(room.free(), candidates)) {
    const choice = admitGreedily(room, candidates, order, most);
    release(room, candidates, choice);
    if (isBetter(candidates, choice, best)) best = choice;
  }
  best = searchLargest(room, candidates, { from: size(best), to: bound }, budget) ?? best;
  retake(room, candidates, best);
  return admissions(candidates, best);
}

/** Everybody in turn, whoever fits. */
function admitInOrder(room: Room, candidates: readonly Candidates[], most: number): Choice {
  const choice: Spots[][] = candidates.map(() => []);
  let left = most;
  for (const i of turns(candidates)) {
    const { shape, asker, members } = candidates[i] as Candidates;
    const taken = choice[i] as Spots[];
    if (taken.length < members.length && left > 0) {
      const spots = placeOne(room, shape, asker);
      if (spots === null) continue;
      taken.push(spots);
      left--;
    }
  }
  return choice;
}
