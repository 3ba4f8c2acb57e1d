/**
 * Exact search for the largest admissible set, where there are few enough to choose from.
 *
 * Branch and bound: for each size from the largest that is conceivable down, look for a set of that size, trying the oldest
 * first, so that the first one found is the oldest of the largest. A branch ends where too few of the rest could be added
 * (each dimension by itself, the smallest first), or where what was chosen does not fit together (pack.ts). Of one shape only
 * the oldest so many are ever chosen, since equal requests are interchangeable.
 */
import { type Candidates, type Choice, needOf, release, scarce } from './choice.ts';
import { type Budget, type Demand, packAll } from './pack.ts';
import type { Spots } from './place.ts';
import type { Free, Room } from './room.ts';

/** Searched exactly up to so many deployments. Conformance asks for 14. */
export const exactUpTo = 16;

/** Null where it found nothing: too many to choose from, or the budget was spent. Leaves the room as it was. */
export function searchLargest(
  room: Room,
  candidates: readonly Candidates[],
  size: { readonly least: number; readonly most: number },
  budget: Budget,
): Choice | null {
  if (candidates.length > exactUpTo) return null;
  const items = itemsOf(room, candidates);
  if (items.length > exactUpTo) return null;
  const search = new Search(room, candidates, items, budget);
  for (let target = Math.min(size.most, items.length); target >= size.least && !budget.isSpent; target--) {
    const found = search.find(target);
    if (found !== null) return found;
  }
  return null;
}

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

class Search {
  readonly #room: Room;
  readonly #candidates: readonly Candidates[];
  readonly #items: readonly Item[];
  readonly #budget: Budget;
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
    this.#counts = candidates.map(() => 0);
    this.#left = { ...room.free() };
    const numbers = items.map((_, i) => i);
    this.#smallestFirst = scarce.map((dimension) =>
      numbers.toSorted((a, b) => (items[a]?.need[dimension] ?? 0) - (items[b]?.need[dimension] ?? 0)),
    );
  }

  /** The oldest set of exactly this size; null where there is none, or where the budget was spent. */
  find(target: number): Choice | null {
    this.#target = target;
    this.#counts.fill(0);
    if (!this.#choose(0, 0, 0)) return null;
    const choice = this.#pack();
    if (choice !== null) release(this.#room, this.#candidates, choice);
    return choice;
  }

  /** Decides the items from `next` on. `closed` has a bit for each of the candidates that was left once: it stays out. */
  #choose(next: number, chosen: number, closed: number): boolean {
    if (chosen === this.#target) return true;
    const item = this.#items[next];
    if (item === undefined || !this.#budget.step()) return false;
    const bit = 1 << this.#bitOf(item);
    if ((closed & bit) !== 0) return this.#choose(next + 1, chosen, closed);
    if (chosen + this.#mostThatCouldBeAdded(next, closed) < this.#target) return false;
    this.#move(item, 1);
    if (this.#fitsTogether() && this.#choose(next + 1, chosen + 1, closed)) return true;
    this.#move(item, -1);
    return this.#choose(next + 1, chosen, closed | bit);
  }

  /** There are at most `exactUpTo` items, so the first of each of the candidates has a bit of its own. */
  #bitOf(item: Item): number {
    return this.#items.findIndex((first) => first.of === item.of);
  }

  #move(item: Item, sign: 1 | -1): void {
    this.#counts[item.of] = (this.#counts[item.of] ?? 0) + sign;
    for (const dimension of scarce) this.#left[dimension] -= sign * item.need[dimension];
  }

  #mostThatCouldBeAdded(next: number, closed: number): number {
    let most = this.#items.length;
    scarce.forEach((dimension, d) => {
      let left = this.#left[dimension];
      let count = 0;
      for (const i of this.#smallestFirst[d] ?? []) {
        const item = this.#items[i] as Item;
        if (i < next || (closed & (1 << this.#bitOf(item))) !== 0) continue;
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
    const choice = this.#pack();
    const fits = choice !== null;
    if (choice !== null) release(this.#room, this.#candidates, choice);
    // What the budget cut short is not known not to fit.
    if (fits || !this.#budget.isSpent) this.#packed.set(key, fits);
    return fits;
  }

  #pack(): Choice | null {
    const chosen = this.#candidates.flatMap((_, i) => ((this.#counts[i] ?? 0) > 0 ? [i] : []));
    const demands = chosen.map((i): Demand => {
      const { shape, asker } = this.#candidates[i] as Candidates;
      return { shape, asker, deployments: this.#counts[i] ?? 0 };
    });
    const packed = packAll(this.#room, demands, this.#budget);
    if (packed === null) return null;
    const choice: (readonly Spots[])[] = this.#candidates.map(() => []);
    chosen.forEach((i, d) => {
      choice[i] = packed[d] ?? [];
    });
    return choice;
  }
}
