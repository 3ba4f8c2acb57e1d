/**
 * Do these deployments fit together, whatever goes where? Vector bin packing over nodes and devices, decided exactly by depth
 * first search: large ones first, no two branches that differ only by swapping what is alike (equal replicas, equal nodes,
 * equal devices), none where the room that is still of use is too small for what is left. The pruning is that of exact bin
 * packing (Martello and Toth, "Knapsack Problems", 1990, chapter 8; Korf, "An improved algorithm for optimal bin packing",
 * IJCAI 2003).
 */
import { giveBack, placeSeveral, type Spots } from './place.ts';
import type { Asker, Room, Spot } from './room.ts';
import type { Shape } from './shape.ts';

/** So many deployments of one shape. */
export interface Demand {
  readonly shape: Shape;
  readonly asker: Asker;
  readonly deployments: number;
}

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
  get isSpent(): boolean {
    return this.used >= this.#steps;
  }
}

/**
 * Places all of the demands, or none: null where they do not fit together (or the budget was spent before it was known).
 * Takes the room. Answers the spots of each demand's deployments, in the order of the demands.
 */
export function packAll(room: Room, demands: readonly Demand[], budget: Budget): Spots[][] | null {
  const largestFirst = demands
    .map((_, i) => i)
    .toSorted((a, b) => sizeIn(room, demands[b]) - sizeIn(room, demands[a]) || a - b);
  const sorted = largestFirst.map((i) => demands[i] as Demand);
  const packed = packGreedily(room, sorted) ?? new Packing(room, sorted, budget).run();
  if (packed === null) return null;
  const result: Spots[][] = [];
  largestFirst.forEach((original, i) => {
    result[original] = packed[i] ?? [];
  });
  return result;
}

/** The largest part of what the room has in any dimension that one replica asks for. */
function sizeIn(room: Room, demand: Demand | undefined): number {
  if (demand === undefined) return 0;
  const { ram, cpu, gpu } = room.free();
  const { shape } = demand;
  return Math.max(shape.ram / Math.max(1, ram), shape.cpu / Math.max(1, cpu), shape.gpu / Math.max(1, gpu));
}

/** Best fit, largest first: nearly always enough, and its placements are the good ones. */
function packGreedily(room: Room, demands: readonly Demand[]): Spots[][] | null {
  const packed: Spots[][] = [];
  for (const { shape, asker, deployments } of demands) {
    const placed = placeSeveral(room, shape, asker, deployments);
    packed.push(placed);
    if (placed.length < deployments) {
      packed.forEach((all, i) => {
        for (const spots of all) giveBack(room, demands[i]?.shape as Shape, spots, demands[i]?.asker as Asker);
      });
      return null;
    }
  }
  return packed;
}

/** Above this many nodes, remembering dead ends costs more than it saves. */
const rememberUpToNodes = 8;

class Packing {
  readonly #room: Room;
  readonly #demands: readonly Demand[];
  readonly #budget: Budget;
  /** One for each replica: its demand. */
  readonly #items: readonly number[];
  /** What the items from here on need together, and what the smallest of them needs. */
  readonly #rest: readonly Need[];
  readonly #spots: Spot[] = [];
  readonly #deadEnds = new Set<string>();

  constructor(room: Room, demands: readonly Demand[], budget: Budget) {
    this.#room = room;
    this.#demands = demands;
    this.#budget = budget;
    this.#items = demands.flatMap(({ shape, deployments }, demand) =>
      Array.from({ length: shape.replicas * deployments }, () => demand),
    );
    this.#rest = needs(this.#items.map((demand) => demands[demand]?.shape as Shape));
  }

  run(): Spots[][] | null {
    if (!this.#place(0)) return null;
    let next = 0;
    return this.#demands.map(({ shape, deployments }) =>
      Array.from({ length: deployments }, () => {
        next += shape.replicas;
        return this.#spots.slice(next - shape.replicas, next);
      }),
    );
  }

  /** Places the items from `item` on. Where it cannot, the room is as it was. */
  #place(item: number): boolean {
    if (item === this.#items.length) return true;
    if (!this.#budget.step() || !this.#isEnoughLeft(item)) return false;
    const state = this.#stateAt(item);
    if (state !== null && this.#deadEnds.has(state)) return false;
    if (this.#tryNodes(item)) return true;
    if (state !== null && !this.#budget.isSpent) this.#deadEnds.add(state);
    return false;
  }

  #tryNodes(item: number): boolean {
    const { shape, asker } = this.#demands[this.#items[item] ?? 0] as Demand;
    const tried = new Set<string>();
    // Equal replicas stand on nodes in ascending order: any other order of them is the same packing.
    const first = this.#items[item - 1] === this.#items[item] ? (this.#spots[item - 1]?.node ?? 0) : 0;
    for (let node = first; node < this.#room.nodes.length; node++) {
      if (this.#room.capacityOn(node, shape, asker, 1) === 0) continue;
      const state = this.#room.stateOf(node);
      if (tried.has(state)) continue;
      if (!this.#budget.step()) return false;
      tried.add(state);
      for (const devices of deviceChoices(this.#room, shape, node, asker)) {
        if (this.#tryPlace(item, shape, asker, { node, devices })) return true;
      }
    }
    return false;
  }

  #tryPlace(item: number, shape: Shape, asker: Asker, spot: Spot): boolean {
    this.#room.take(shape, spot, asker);
    this.#spots[item] = spot;
    if (this.#place(item + 1)) return true;
    this.#room.give(shape, spot, asker);
    return false;
  }

  /** In each dimension by itself: however large a need is, there is room for as many as need at least so much. */
  #isEnoughLeft(item: number): boolean {
    const { ram, cpu } = this.#rest[item] as Need;
    return isRoomForEach(this.#room.now.ram, ram) && isRoomForEach(this.#room.now.cpu, cpu);
  }

  #stateAt(item: number): string | null {
    const { nodes } = this.#room;
    if (nodes.length > rememberUpToNodes) return null;
    const first = this.#items[item - 1] === this.#items[item] ? this.#spots[item - 1]?.node : 0;
    return `${item}@${first}|${nodes.map((_, node) => this.#room.stateOf(node)).join('|')}`;
  }
}

/** What replicas need of each dimension, the most first. */
interface Need {
  readonly ram: readonly number[];
  readonly cpu: readonly number[];
}

/** For each place in the list, what the shapes from there on need. */
function needs(shapes: readonly Shape[]): Need[] {
  return shapes.map((_, first) => {
    const rest = shapes.slice(first);
    return {
      ram: rest.map(({ ram }) => ram).toSorted((a, b) => b - a),
      cpu: rest.map(({ cpu }) => cpu).toSorted((a, b) => b - a),
    };
  });
}

function isRoomForEach(free: Float64Array, mostFirst: readonly number[]): boolean {
  let sum = 0;
  for (let i = 0; i < mostFirst.length; i++) {
    const need = mostFirst[i] ?? 0;
    if (need === 0) break;
    sum += need;
    // The i + 1 largest all need at least this much, and `sum` together.
    let room = 0;
    let useful = 0;
    for (const amount of free) {
      if (amount < need) continue;
      room += Math.floor(amount / need);
      useful += amount;
    }
    if (room <= i || useful < sum) return false;
  }
  return true;
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
