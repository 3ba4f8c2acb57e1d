/**
 * Exact search for the largest admissible set, where there are few enough to choose from.
 *
 * Branch and bound. First how many: for each size from the largest that is conceivable down, is there a set of that size?
 * The smallest are tried first. Then who: of that size, the oldest set, for which the oldest are tried first.
 *
 * A branch ends where too few of the rest could be added (each dimension by itself, the smallest first), or where what was
 * chosen does not fit together (pack.ts). And once a deployment is left out, so is everybody after it who asks for no less:
 * any set with such a one would also do with the one left out in its place, and was searched before. Equal requests are the
 * plainest case of that, so of a shape only the oldest so many are ever tried. (Dominance: Martello and Toth, "Knapsack
 * Problems", 1990, section 2.7.)
 */
import { type Candidates, type Choice, needOf, scarce } from './choice.ts';
import { Budget, Packer } from './pack.ts';
import { release } from './place.ts';
import type { Free, Room } from './room.ts';
import { asksNoLess } from './shape.ts';

/** Searched exactly up to so many deployments. Conformance asks for 14. */
const exactUpTo = 16;

/** And up to so many pairs of a shape and a node that could take it: the search goes one deeper for each of them. */
const exactPlaces = 1000;

/**
 * A set of more than `least`, or an older one of as many; null where it found none: there is none, there are too many to
 * choose from, or the budget was spent. Leaves the room as it was.
 */
export function searchLargest(
  room: Room,
  candidates: readonly Candidates[],
  size: { readonly least: number; readonly most: number },
  budget: Budget,
): Found {
  if (candidates.length > exactUpTo) return notSearched;
  const items = itemsOf(room, candidates);
  if (items.length > exactUpTo) return notSearched;
  if (room.nodesFor(candidates).length * candidates.length > exactPlaces) return notSearched;
  const smallestFirst = new Search(room, candidates, bySize(items, room.free()), budget);
  let largest: Choice | null = null;
  let target = Math.min(size.most, items.length);
  for (; target > size.least && largest === null && !budget.isSpent; target--) largest = smallestFirst.find(target);
  if (budget.isSpent) return { choice: largest, isComplete: false };
  const forAge = new Budget(Math.min(stepsForAge, budget.left));
  const oldest = new Search(room, candidates, items, forAge).find(largest === null ? size.least : target + 1);
  budget.charge(forAge.used);
  return { choice: oldest ?? largest, isComplete: true };
}

interface Found {
  readonly choice: Choice | null;
  /** True where no set can have more. */
  readonly isComplete: boolean;
}

const notSearched: Found = { choice: null, isComplete: false };

/** Who of equally many is worth less than one more: this search is cut short first. */
const stepsForAge = 200_000;

/** One deployment to choose or to leave, by the number of its candidates. */
interface Item {
  readonly of: number;
  readonly position: number;
  readonly need: Free;
}

/** Those that could be chosen, the oldest first: of each shape no more than would fit if it were the only one. */
function itemsOf(room: Room, candidates: readonly Candidates[]): Item[] {
  const items: Item[] = [];
  candidates.forEach(({ shape, asker, members }, of) => {
    const most = Math.min(members.length, exactUpTo + 1);
    const alone = Math.floor(room.capacity(shape, asker, most * shape.replicas) / shape.replicas);
    for (const position of members.slice(0, alone)) items.push({ of, position, need: needOf(shape) });
  });
  return items.toSorted((a, b) => a.position - b.position);
}

function bySize(items: readonly Item[], free: Free): Item[] {
  const size = ({ need }: Item) => scarce.reduce((sum, d) => sum + need[d] / Math.max(1, free[d]), 0);
  return items.toSorted((a, b) => size(a) - size(b) || a.position - b.position);
}

class Search {
  readonly #room: Room;
  readonly #candidates: readonly Candidates[];
  readonly #items: readonly Item[];
  readonly #budget: Budget;
  readonly #packer: Packer;
  /** For each item, a bit for each of those after it that ask for no less: who is left out with it. */
  readonly #leftOutWith: readonly number[];
  /** For each scarce dimension, the items by what they need of it. */
  readonly #smallestFirst: readonly (readonly number[])[];
  /** Which sets were found to fit together, by how many of each of the candidates they have. */
  readonly #packed = new Map<string, boolean>();
  readonly #counts: number[];
  readonly #left: Record<keyof Free, number>;
  #target = 0;

  constructor(room: Room, candidates: readonly Candidates[], items: readonly Item[], budget: Budget) {
    this.#room = room;
    this.#candidates = candidates;
    this.#items = items;
    this.#budget = budget;
    this.#packer = new Packer(room, candidates, budget);
    this.#counts = candidates.map(() => 0);
    this.#left = { ...room.free() };
    const numbers = items.map((_, i) => i);
    this.#leftOutWith = numbers.map((i) => this.#following(i));
    this.#smallestFirst = scarce.map((dimension) =>
      numbers.toSorted((a, b) => (items[a]?.need[dimension] ?? 0) - (items[b]?.need[dimension] ?? 0)),
    );
  }

  /** The first set of exactly this size; null where there is none, or where the budget was spent. */
  find(target: number): Choice | null {
    this.#target = target;
    if (!this.#choose(0, 0, 0)) return null;
    const choice = this.#packer.pack(this.#counts);
    if (choice !== null) release(this.#room, this.#candidates, choice);
    return choice;
  }

  /** Decides the items from `next` on. `out` has a bit for each item that is left out already. */
  #choose(next: number, chosen: number, out: number): boolean {
    if (chosen === this.#target) return true;
    const item = this.#items[next];
    if (item === undefined) return false;
    if ((out & (1 << next)) !== 0) return this.#choose(next + 1, chosen, out);
    if (!this.#budget.step() || chosen + this.#mostThatCouldBeAdded(next, out) < this.#target) return false;
    this.#move(item, 1);
    if (this.#fitsTogether() && this.#choose(next + 1, chosen + 1, out)) return true;
    this.#move(item, -1);
    return this.#choose(next + 1, chosen, out | (this.#leftOutWith[next] ?? 0));
  }

  #following(item: number): number {
    const least = this.#candidates[this.#items[item]?.of ?? 0] as Candidates;
    let bits = 0;
    for (let other = item + 1; other < this.#items.length; other++) {
      const { shape, asker } = this.#candidates[this.#items[other]?.of ?? 0] as Candidates;
      const seesNoMore = least.asker === 'free' || asker === 'restrained';
      if (seesNoMore && asksNoLess(shape, least.shape)) bits |= 1 << other;
    }
    return bits;
  }

  #move(item: Item, sign: 1 | -1): void {
    this.#counts[item.of] = (this.#counts[item.of] ?? 0) + sign;
    for (const dimension of scarce) this.#left[dimension] -= sign * item.need[dimension];
  }

  #mostThatCouldBeAdded(next: number, out: number): number {
    let most = this.#items.length;
    scarce.forEach((dimension, d) => {
      let left = this.#left[dimension];
      let count = 0;
      for (const i of this.#smallestFirst[d] ?? []) {
        const item = this.#items[i] as Item;
        if (i < next || (out & (1 << i)) !== 0) continue;
        left -= item.need[dimension];
        if (left < 0) break;
        count++;
      }
      most = Math.min(most, count);
    });
    return most;
  }

  #fitsTogether(): boolean {
    if (scarce.some((dimension) => this.#left[dimension] < 0)) return false;
    const key = this.#counts.join();
    const known = this.#packed.get(key);
    if (known !== undefined) return known;
    const choice = this.#packer.pack(this.#counts);
    const fits = choice !== null;
    if (choice !== null) release(this.#room, this.#candidates, choice);
    // What the budget cut short is not known not to fit.
    if (fits || !this.#budget.isSpent) this.#packed.set(key, fits);
    return fits;
  }
}
