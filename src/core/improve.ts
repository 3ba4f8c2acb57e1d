/**
 * Improvement steps: local search from what the levels chose by themselves, each without a thought of those after it. One more of
 * a level is admitted by moving others that were placed in this pass, or by choosing two of the level instead of one.
 *
 * What counts is the number admitted of the best level, then of the next, and so on; and between equally many of a level, their
 * age. No step makes less of that, and the end has nobody who was passed over.
 */
import { fewNodes } from './admit.ts';
import { Arrangement, type Replica } from './arrangement.ts';
import type { RankedLevel } from './level.ts';
import { compareByAge } from './order.ts';
import { Budget } from './pack.ts';
import type { Pass, Placed } from './pass.ts';
import { placeOne } from './place.ts';
import { recheck } from './recheck.ts';
import type { Spot } from './room.ts';
import { type Entry, isMovable, type Kind, type SelectedLevel, Selection } from './selection.ts';
import type { Shape } from './shape.ts';

/** With more to choose from, as in larger clusters, it would cost more than the rest of the pass. */
const fewLines = 1024;

/**
 * Tries to put one in the place of others: in one pass, for each node and in all, and to place one deployment. Ten of them take about ten
 * microseconds. On few nodes there are few places to move to, and more tries find little more.
 */
const stepsOfNode = 2000;
const stepsOfPass = 15_000;
const stepsOfAttempt = 2000;

/**
 * Of the steps of exact search, so many may be taken after others were moved. It is asked about each level twice then, again after
 * each change: in the passes of bench/optimum.bench.ts ten times as many steps took two thirds of the time, and found nothing more.
 */
const stepsOfRecheck = 10_000;

/** Chains of more links find little more, and are many. */
const mostLinks = 3;

export class Improver {
  readonly #pass: Pass;
  readonly #budget: Budget;
  readonly #arrangement: Arrangement;
  readonly #selection: Selection;
  /** Who was admitted before the levels. */
  readonly #before: number;
  /** By kind: with how many links one could not be placed since the last change. */
  readonly #failed = new Map<number, number>();
  /** How often it was made better, or differently. */
  #changes = 0;

  /** Null where it would cost too much, or where what was placed may not be moved. */
  static for(pass: Pass): Improver | null {
    const { policy, room, state } = pass;
    if (policy.backfill === 'learned' || policy.preemption !== undefined) return null;
    return room.nodes.length > fewNodes || state.queue.lineCount > fewLines ? null : new Improver(pass);
  }

  private constructor(pass: Pass) {
    this.#pass = pass;
    this.#budget = new Budget(Math.min(stepsOfPass, stepsOfNode * pass.room.nodes.length));
    this.#before = pass.placed.size;
    this.#arrangement = new Arrangement(pass.room, this.#budget);
    this.#selection = new Selection(pass.room, this.#arrangement);
  }

  /** After a level was served by a hint: those of the next levels have their places already. */
  take(level: RankedLevel, chosen: readonly Placed[]): void {
    this.#selection.addLevel(level, chosen);
    for (const placed of chosen) this.#pass.admit(placed);
    // Nobody has brought it into order yet.
    this.#changes++;
  }

  /** After a level was served: what short chains give, before those of the next level stand in the way. */
  improve(level: RankedLevel, chosen: readonly Placed[]): void {
    const before = this.#changes;
    this.#deepen(this.#selection.addLevel(level, chosen), 1);
    if (this.#changes > before) this.#write();
  }

  /** After all levels were. `search` is what exact search may still take. */
  finish(search: Budget): void {
    const { levels } = this.#selection;
    for (let links = 2; links <= mostLinks; links++) for (const level of levels) this.#deepen(level, links);
    if (this.#changes === 0) return;
    this.#settle(Math.min(stepsOfRecheck, search.left));
    this.#write();
  }

  /** Who is admitted of a level, by its number. */
  admittedOf(number: number): Pick<Placed, 'deployment' | 'shape'>[] {
    const { kinds } = this.#selection.levels[number] as SelectedLevel;
    return kinds.flatMap(({ shape, admitted }) => admitted.map(({ deployment }) => ({ deployment, shape })));
  }

  /** How many may still be admitted. */
  get #left(): number {
    return this.#pass.policy.maxAdmissions - this.#before - this.#selection.size;
  }

  /** Writes down where everybody stands. */
  #write(): void {
    const { placed } = this.#pass;
    for (const [id, { outOfTurn }] of placed) if (!outOfTurn) placed.delete(id);
    for (const { shape, asker, admitted } of this.#selection.levels.flatMap(({ kinds }) => kinds)) {
      for (const { deployment, replicas } of admitted) {
        const spots = replicas.map(({ spot }) => spot as Spot);
        this.#pass.admit({ deployment, shape, asker, spots, outOfTurn: false });
      }
    }
    this.#pass.forgetFull();
  }

  #deepen({ kinds }: SelectedLevel, links: number): void {
    for (const kind of kinds) while (this.#isOpen(kind) && this.#admitMore(kind, links)) this.#serveAll();
    if (kinds.every(({ admitted }) => admitted.length === 0)) return;
    for (const kind of kinds) while (this.#isOpen(kind) && this.#chooseTwoFor(kind, kinds)) this.#serveAll();
  }

  #isOpen({ waiting }: Kind): boolean {
    return waiting.length > 0 && this.#left > 0 && !this.#budget.isSpent;
  }

  /** Admits the oldest that waits, if others can make way. */
  #admitMore(kind: Kind, links: number): boolean {
    if ((this.#failed.get(kind.number) ?? -1) >= links) return false;
    const replicas = this.#placed(kind, links);
    if (replicas === null) {
      this.#failed.set(kind.number, links);
      return false;
    }
    this.#selection.admit(kind, replicas);
    this.#hasChanged();
    return true;
  }

  #hasChanged(): void {
    this.#changes++;
    this.#failed.clear();
  }

  /** All replicas of one deployment of the kind, or null and nothing changed. */
  #placed(kind: Kind, links: number): readonly Replica[] | null {
    const { shape, asker } = kind;
    if (!isMovable(kind)) {
      const spots = placeOne(this.#pass.room, shape, asker) ?? null;
      return spots?.map((spot) => this.#arrangement.addNew(this.#selection.replica(kind, spot))) ?? null;
    }
    const { mark } = this.#arrangement;
    const budget = new Budget(Math.min(stepsOfAttempt, this.#budget.left));
    this.#arrangement.budget = budget;
    const replicas = Array.from({ length: shape.replicas }, () => this.#selection.replica(kind, null));
    const arePlaced = replicas.every((replica) => this.#arrangement.place(replica, links));
    this.#budget.charge(budget.used);
    if (arePlaced) return replicas;
    this.#arrangement.returnTo(mark);
    return null;
  }

  /** Whoever fits by now without anybody being moved, the best level first. */
  #serveAll(): void {
    for (const { kinds } of this.#selection.levels) {
      for (const kind of kinds) while (kind.waiting.length > 0 && this.#left > 0 && this.#admitMore(kind, 0));
    }
  }

  /** Admits one more by choosing, of its level, two others instead of one: itself and a smaller one. */
  #chooseTwoFor(more: Kind, kinds: readonly Kind[]): boolean {
    for (let i = kinds.length - 1; i >= 0; i--) {
      const given = kinds[i] as Kind;
      if (given.admitted.length === 0) continue;
      for (const taken of kinds) {
        if (taken.size >= given.size) break;
        if (taken.waiting.length < (taken === more ? 2 : 1) || !this.#isEnoughInSum(more, taken, given)) continue;
        if (this.#exchange(given, taken, more)) return true;
      }
    }
    return false;
  }

  #isEnoughInSum(more: Kind, taken: Kind, given: Kind): boolean {
    const free = this.#pass.room.free();
    const isEnough = (amount: (shape: Shape) => number, there: number) =>
      sumOf(more, amount) + sumOf(taken, amount) <= there + sumOf(given, amount);
    return (
      isEnough(({ gpu }) => gpu, free.gpu) &&
      isEnough(({ cpu }) => cpu, free.cpu) &&
      isEnough(({ ram }) => ram, free.ram)
    );
  }

  #exchange(given: Kind, taken: Kind, more: Kind): boolean {
    for (const entry of standingApart(given)) {
      if (!this.#budget.step()) return false;
      const { mark } = this.#arrangement;
      for (const replica of entry.replicas) this.#arrangement.move(replica, null);
      const first = this.#placed(more, 1);
      const second = first === null ? null : this.#placed(taken, 1);
      if (first !== null && second !== null) {
        this.#selection.giveUp(given, entry);
        this.#selection.admit(taken, second);
        this.#selection.admit(more, first);
        this.#hasChanged();
        return true;
      }
      this.#arrangement.returnTo(mark);
    }
    return false;
  }

  /** Brings into order what the improvement steps may have left: who is older, or of a better level, and would fit instead. */
  #settle(steps: number): void {
    const search = new Budget(steps);
    do {
      this.#preferOlder();
      this.#restoreOrder();
    } while (recheck(this.#pass.room, this.#selection, this.#left, search));
  }

  /** Between equally many of a level, the older: nobody waits in whose place a younger one of the level runs. */
  #preferOlder(): void {
    for (const { kinds } of this.#selection.levels) {
      for (const older of kinds)
        while (kinds.some((younger) => this.#isYounger(younger, older) && this.#replaceOne(younger, older)));
    }
  }

  #isYounger({ admitted }: Kind, { waiting }: Kind): boolean {
    const [oldest] = waiting;
    return oldest !== undefined && admitted.some(({ deployment }) => compareByAge(deployment, oldest) > 0);
  }

  /** Nobody waits in whose place one of a worse level runs. */
  #restoreOrder(): void {
    const { levels } = this.#selection;
    this.#failed.clear();
    this.#serveAll();
    const isInverted = () =>
      levels.some(({ kinds }, l) => {
        const worse = levels.slice(l + 1).flatMap((level) => level.kinds);
        return kinds.some((kind) => kind.waiting.length > 0 && worse.some((other) => this.#replaceOne(other, kind)));
      });
    while (isInverted()) {
      this.#failed.clear();
      this.#serveAll();
    }
  }

  /** One of a kind instead of one of another, in its place and what is free. */
  #replaceOne(given: Kind, taken: Kind): boolean {
    for (const entry of standingApart(given)) {
      const { mark } = this.#arrangement;
      for (const replica of entry.replicas) this.#arrangement.move(replica, null);
      const replicas = this.#placed(taken, 0);
      if (replicas !== null) {
        this.#selection.giveUp(given, entry);
        this.#selection.admit(taken, replicas);
        return true;
      }
      this.#arrangement.returnTo(mark);
    }
    return false;
  }
}

/** All replicas of one deployment together. */
function sumOf({ shape }: Kind, amount: (shape: Shape) => number): number {
  return amount(shape) * shape.replicas;
}

/** One of each way in which one of the kind stands. */
function standingApart({ admitted }: Kind): Entry[] {
  const ways = new Map<string, Entry>();
  for (const entry of admitted) {
    const way = entry.replicas.map(({ spot }) => `${spot?.node}:${spot?.devices[0]}`).join();
    if (!ways.has(way)) ways.set(way, entry);
  }
  return [...ways.values()];
}
