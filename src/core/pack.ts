/**
 * Do these deployments fit together, whatever goes where? Vector bin packing over nodes and devices, decided exactly by bin
 * completion (Fukunaga and Korf, "Bin Completion Algorithms for Multicontainer Packing", JAIR 28, 2007): node after node is
 * filled in every way that leaves no room for one more, and what was left over once without success is not tried again.
 */
import { placeSeveral, release, type Spots } from './place.ts';
import type { Asker, Room, Spot } from './room.ts';
import type { Shape } from './shape.ts';

/** Steps that a search may take: counted, not timed, so that the same snapshot gives the same plan on any machine. */
export class Budget {
  readonly #steps: number;
  used = 0;
  constructor(steps: number) {
    this.#steps = steps;
  }
  /** Takes one step; false where none is left. */
  step(): boolean {
    if (this.used >= this.#steps) return false;
    this.used++;
    return true;
  }
  /** Takes steps that were taken elsewhere. */
  charge(steps: number): void {
    this.used += steps;
  }
  get left(): number {
    return Math.max(0, this.#steps - this.used);
  }
  get isSpent(): boolean {
    return this.left === 0;
  }
}

/** What is to be packed, whatever the number of each. */
export interface Kind {
  readonly shape: Shape;
  readonly asker: Asker;
}

/** By kind, where each of its deployments stands. */
type Packed = readonly (readonly Spots[])[];

/**
 * Packs different numbers of the same kinds into the same room, again and again: what has been learned once about leftovers
 * holds for all of them.
 */
export class Packer {
  readonly #room: Room;
  readonly #kinds: readonly Kind[];
  readonly #budget: Budget;
  /** The kinds, the largest first: the earlier a search fails, the less of it there is. */
  readonly #order: readonly number[];
  readonly #byRam: readonly number[];
  readonly #byCpu: readonly number[];
  /** The nodes that could take any of it: in a full cluster, few. */
  readonly #nodes: readonly number[];
  readonly #hasPorts: boolean;
  #counts: readonly number[] = [];
  /** By kind: how many replicas have no place yet, and where the others are. */
  #left: number[] = [];
  #spots: Spot[][] = [];
  /** Leftovers that the nodes from one on cannot take: `node:left`. */
  readonly #deadEnds = new Set<string>();

  constructor(room: Room, kinds: readonly Kind[], budget: Budget) {
    this.#room = room;
    this.#kinds = kinds;
    this.#budget = budget;
    this.#order = mostFirst(sizesIn(room, kinds));
    this.#byRam = mostFirst(kinds.map(({ shape }) => shape.ram));
    this.#byCpu = mostFirst(kinds.map(({ shape }) => shape.cpu));
    this.#nodes = room.nodesFor(kinds);
    this.#hasPorts = kinds.some(({ shape }) => shape.hostPorts !== null);
  }

  /**
   * Where so many deployments of each kind go; null where they do not fit together (or the budget was spent before that was
   * known). Takes their room.
   */
  pack(counts: readonly number[]): Packed | null {
    return this.#packGreedily(counts) ?? this.#packExactly(counts);
  }

  /** Best fit, largest first: nearly always enough, and its placements are the good ones. */
  #packGreedily(counts: readonly number[]): Packed | null {
    const packed: (readonly Spots[])[] = this.#kinds.map(() => []);
    for (const kind of this.#order) {
      const { shape, asker } = this.#kinds[kind] as Kind;
      const placed = placeSeveral(this.#room, shape, asker, counts[kind] ?? 0);
      packed[kind] = placed;
      if (placed.length < (counts[kind] ?? 0)) {
        release(this.#room, this.#kinds, packed);
        return null;
      }
    }
    return packed;
  }

  #packExactly(counts: readonly number[]): Packed | null {
    this.#counts = counts;
    this.#left = this.#kinds.map(({ shape }, kind) => shape.replicas * (counts[kind] ?? 0));
    this.#spots = this.#kinds.map(() => []);
    if (!this.#fillFrom(0)) return null;
    return this.#kinds.map((_, kind) => dealt(this.#spots[kind] ?? [], counts[kind] ?? 0));
  }

  /** Places all that is left on the nodes from the given one of those that matter on. Where it cannot, the room is as it was. */
  #fillFrom(first: number): boolean {
    if (this.#left.every((count) => count === 0)) return true;
    if (first === this.#nodes.length || !this.#isEnoughFrom(first)) return false;
    const leftover = `${first}:${this.#left.join()}${this.#portState()}`;
    if (this.#deadEnds.has(leftover)) return false;
    if (this.#fill(first, 0, new Int32Array(this.#kinds.length))) return true;
    if (!this.#budget.isSpent) this.#deadEnds.add(leftover);
    return false;
  }

  /** Fills the node with replicas of the kinds from the given one of the order on, in every way that matters, and then the nodes after it. */
  #fill(number: number, from: number, here: Int32Array): boolean {
    if (!this.#budget.step()) return false;
    const node = this.#nodes[number] ?? -1;
    const kind = this.#order[from];
    // To leave room for one more is never better than to use it.
    if (kind === undefined) return !this.#hasRoomForOneMore(node, here) && this.#fillFrom(number + 1);
    const { shape, asker } = this.#kinds[kind] as Kind;
    if (this.#couldTake(kind, node, here)) {
      for (const devices of deviceChoices(this.#room, shape, node, asker)) {
        const spot = { node, devices };
        this.#move(kind, spot, 'take', here);
        if (this.#fill(number, from, here)) return true;
        this.#move(kind, spot, 'give', here);
      }
    }
    return this.#fill(number, from + 1, here);
  }

  /**
   * Is one more of the kind missing, and has the node room for it? Several deployments together may have so many times as many
   * on a node as one may: dealt out in turn, no one of them has more than its own.
   */
  #couldTake(kind: number, node: number, here: Int32Array): boolean {
    const { shape, asker } = this.#kinds[kind] as Kind;
    if ((this.#left[kind] ?? 0) === 0 || this.#room.capacityOn(node, shape, asker, 1) === 0) return false;
    return (here[kind] ?? 0) < shape.maxPerNode * (this.#counts[kind] ?? 0);
  }

  #move(kind: number, spot: Spot, what: 'take' | 'give', here: Int32Array): void {
    here[kind] = (here[kind] ?? 0) + (what === 'take' ? 1 : -1);
    const { shape, asker } = this.#kinds[kind] as Kind;
    this.#room[what](shape, spot, asker);
    this.#left[kind] = (this.#left[kind] ?? 0) + (what === 'take' ? -1 : 1);
    if (what === 'take') this.#spots[kind]?.push(spot);
    else this.#spots[kind]?.pop();
  }

  /** One with host ports does not count: on another node of the machine its ports might be needed by another. */
  #hasRoomForOneMore(node: number, here: Int32Array): boolean {
    return this.#kinds.some(({ shape }, kind) => shape.hostPorts === null && this.#couldTake(kind, node, here));
  }

  /** Where those with host ports stand: it matters to nodes that share a machine with those that are filled already. */
  #portState(): string {
    if (!this.#hasPorts) return '';
    return this.#kinds
      .map(({ shape }, kind) =>
        shape.hostPorts === null ? '' : `|${this.#spots[kind]?.map(({ node }) => node).join()}`,
      )
      .join('');
  }

  /**
   * Could the nodes from here on have room for what is left? The replicas that need most RAM, however many of them, all need at
   * least so much RAM and so much CPU: each node takes only so many of that kind. The same for those that need most CPU.
   */
  #isEnoughFrom(first: number): boolean {
    return this.#isEnough(first, this.#byRam, 'ram', 'cpu') && this.#isEnough(first, this.#byCpu, 'cpu', 'ram');
  }

  #isEnough(first: number, kinds: readonly number[], by: RamOrCpu, other: RamOrCpu): boolean {
    const { [by]: free, [other]: freeOther } = this.#room.now;
    let count = 0;
    let sum = 0;
    let leastOther = Number.POSITIVE_INFINITY;
    for (const kind of kinds) {
      const left = this.#left[kind] ?? 0;
      const { shape } = this.#kinds[kind] as Kind;
      if (left === 0 || shape[by] === 0) continue;
      count += left;
      sum += left * shape[by];
      leastOther = Math.min(leastOther, shape[other]);
      let possible = 0;
      let useful = 0;
      for (let n = first; n < this.#nodes.length; n++) {
        const node = this.#nodes[n] ?? -1;
        const [here, otherHere] = [free[node] ?? 0, freeOther[node] ?? 0];
        const fitting = Math.floor(here / shape[by]);
        if (fitting === 0 || otherHere < leastOther) continue;
        possible += leastOther === 0 ? fitting : Math.min(fitting, Math.floor(otherHere / leastOther));
        useful += here;
      }
      if (possible < count || useful < sum) return false;
    }
    return true;
  }
}

/** Spots, node after node, dealt out in turn to so many deployments. */
export function dealt(spots: readonly Spot[], count: number): Spots[] {
  return Array.from({ length: count }, (_, first) => spots.filter((_spot, i) => i % count === first));
}

type RamOrCpu = 'ram' | 'cpu';

/** The numbers of the amounts, those of the largest first. */
function mostFirst(amounts: readonly number[]): number[] {
  return amounts.map((_, i) => i).toSorted((a, b) => (amounts[b] ?? 0) - (amounts[a] ?? 0) || a - b);
}

/** The largest part of what the room has in any dimension that one replica of each kind asks for. */
function sizesIn(room: Room, kinds: readonly Kind[]): number[] {
  const { ram, cpu, gpu } = room.free();
  return kinds.map(({ shape }) =>
    Math.max(shape.ram / Math.max(1, ram), shape.cpu / Math.max(1, cpu), shape.gpu / Math.max(1, gpu)),
  );
}

/** Every choice of devices for one replica that makes a difference. */
function deviceChoices(room: Room, shape: Shape, node: number, asker: Asker): readonly (readonly number[])[] {
  if (shape.gpu === 0) return [[]];
  const classes = room.deviceClasses(node, shape, asker);
  return shape.wholeDevices === 0
    ? classes.map((alike) => alike.slice(0, 1))
    : combinations(classes, shape.wholeDevices);
}

/** All ways to take `count` devices, differing in how many come from each class. */
function combinations(classes: readonly (readonly number[])[], count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  const [alike, ...others] = classes;
  if (alike === undefined) return [];
  const result: (readonly number[])[] = [];
  for (let taken = Math.min(count, alike.length); taken >= 0; taken--) {
    for (const rest of combinations(others, count - taken)) result.push([...alike.slice(0, taken), ...rest]);
  }
  return result;
}
