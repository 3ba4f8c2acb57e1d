/** Sets that are chosen in one go: whoever fits, in some order of size. */
import { type Candidates, type Choice, sizeOf } from './choice.ts';
import { placeSeveral, release, type Spots } from './place.ts';
import type { Room } from './room.ts';
import { hardestByGpu, hardestByPart, type Order, smallestInAmounts, smallestInSum } from './size.ts';

const none: readonly Spots[] = [];

/** Shape after shape in the given order, as many of each as fit. */
export function admitGreedily(room: Room, candidates: readonly Candidates[], order: Order, most: number): Choice {
  const choice: (readonly Spots[])[] = candidates.map(() => none);
  let left = most;
  for (const i of order) {
    if (left === 0) break;
    const { shape, asker, members } = candidates[i] as Candidates;
    const placed = placeSeveral(room, shape, asker, Math.min(left, members.length));
    choice[i] = placed;
    left -= placed.length;
  }
  return choice;
}

/** Who is to be placed in a first round: the first so many in one order; and how: in another order. */
interface Plan {
  readonly who: Order;
  readonly how: Order;
}

/** Of as many as are known to fit, so many parts are tried as the first round. */
const parts = [0.8, 0.85, 0.9, 0.95, 1];

/** And how often, with the plan that was the best, another number. */
const tries = 5;

/**
 * First who, then where. The smallest are the ones to take, but a bad order to place in: what is left of each node is then too little
 * for anything large. So, of the smallest about as many as are known to fit one way or another, those that are hard to place go
 * first; then, the smallest first, whoever fits beside them. Null where that gives no more than `least`. Leaves the room as it was.
 */
export function admitInTwo(room: Room, candidates: readonly Candidates[], least: number, most: number): Choice | null {
  const free = room.free();
  const plans = [smallestInSum(candidates, free), smallestInAmounts(candidates, free)].flatMap((who): Plan[] => {
    return [hardestByPart(candidates, room), hardestByGpu(candidates, room)].map((how) => ({ who, how }));
  });
  const inRounds = (plan: Plan, first: number) => ({ plan, first, ...admitFirst(room, candidates, plan, first, most) });
  const tried = plans.flatMap((plan) => parts.map((part) => inRounds(plan, Math.floor(part * least))));
  let best = tried.reduce((a, b) => (b.size > a.size ? b : a));
  let [low, high] = [best.first + 1, most];
  for (let left = tries; left > 0 && low <= high; left--) {
    const next = inRounds(best.plan, Math.floor((low + high) / 2));
    if (next.isFirstPlaced) low = next.first + 1;
    else high = next.first - 1;
    if (next.size > best.size) best = next;
  }
  return best.size > least ? best.choice : null;
}

/** So many in the first round, if they find room. */
function admitFirst(room: Room, candidates: readonly Candidates[], { who, how }: Plan, count: number, most: number) {
  const taken = new Uint32Array(candidates.length);
  let left = count;
  for (const i of who) {
    taken[i] = Math.min(left, candidates[i]?.members.length ?? 0);
    left -= taken[i] ?? 0;
  }
  const choice: (readonly Spots[])[] = candidates.map(() => none);
  for (const i of how) placeMore(room, candidates, choice, i, taken[i] ?? 0);
  const isFirstPlaced = sizeOf(choice) === count;
  left = most - sizeOf(choice);
  for (const i of who) left -= placeMore(room, candidates, choice, i, left);
  release(room, candidates, choice);
  return { choice, size: sizeOf(choice), isFirstPlaced };
}

/** So many more of a shape, if they fit and there are so many; how many it were. */
function placeMore(
  room: Room,
  candidates: readonly Candidates[],
  choice: (readonly Spots[])[],
  i: number,
  most: number,
) {
  const { shape, asker, members } = candidates[i] as Candidates;
  const chosen = choice[i] ?? none;
  const wanted = Math.min(most, members.length - chosen.length);
  if (wanted <= 0) return 0;
  const placed = placeSeveral(room, shape, asker, wanted);
  if (placed.length > 0) choice[i] = [...chosen, ...placed];
  return placed.length;
}
