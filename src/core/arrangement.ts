/**
 * Where the replicas stand that were placed in this pass, and how one more finds room by moving others: an ejection chain (Glover,
 * "Ejection Chains, Reference Structures and Alternating Path Methods for Traveling Salesman Problems", Discrete Applied Mathematics
 * 65, 1996). Nothing runs yet of what is placed in a pass, so that to move it costs nothing.
 */
import type { Budget } from './pack.ts';
import { bestNodeOf, takeOn } from './place.ts';
import type { Asker, Room, Spot } from './room.ts';
import type { Shape } from './shape.ts';

/** A replica that was placed in this pass, or is to be. */
export interface Replica {
  /** Of one number, all are alike. */
  readonly kind: number;
  /** Whether it may stand anywhere, whatever the others of its deployment do. */
  readonly isMovable: boolean;
  readonly shape: Shape;
  readonly asker: Asker;
  spot: Spot | null;
}

interface Move {
  readonly item: Replica;
  readonly from: Spot | null;
}

/** To clear a device of more than so many is not tried. */
const manyOnDevice = 6;

export class Arrangement {
  readonly #room: Room;
  readonly #onNode: Replica[][];
  /** What was moved since the last `settle`, so that it can be undone. */
  readonly #moves: Move[] = [];
  /** Steps that may still be taken: one for each try to put one in the place of others. */
  budget: Budget;

  constructor(room: Room, budget: Budget) {
    this.#room = room;
    this.budget = budget;
    this.#onNode = room.nodes.map(() => []);
  }

  /** From here on it makes way for others, if it may. Its room is taken already. */
  add(item: Replica): void {
    if (item.isMovable) this.#listOf(item)?.push(item);
  }

  /** The same for one whose room was taken just now: to undo that gives it back. */
  addNew(item: Replica): Replica {
    this.#moves.push({ item, from: null });
    this.add(item);
    return item;
  }

  /** How many moves there were since the last `settle`: a point to return to. */
  get mark(): number {
    return this.#moves.length;
  }

  /** Undoes what was moved since the mark. */
  returnTo(mark: number): void {
    while (this.#moves.length > mark) {
      const { item, from } = this.#moves.pop() as Move;
      this.#set(item, from);
    }
  }

  /** What was moved stays where it is now. */
  settle(): void {
    this.#moves.length = 0;
  }

  /** It stands there, or nowhere, from here on. */
  move(item: Replica, to: Spot | null): void {
    this.#moves.push({ item, from: item.spot });
    this.#set(item, to);
  }

  /**
   * Finds room for one that stands nowhere, at the best spot that is free, or where others can make way that find room elsewhere in
   * turn: one for each link of the chain, or all that share a device. Where it fails, all stands as before.
   */
  place(item: Replica, links: number): boolean {
    const { shape, asker } = item;
    const node = bestNodeOf(this.#room, shape, asker, () => true);
    if (node !== -1) {
      this.#putOn(node, item);
      return true;
    }
    if (links === 0 || !this.#isEnoughInSum(shape)) return false;
    // On a node by itself nobody can make way but from one device to another.
    if (this.#onNode.length === 1 && shape.gpu === 0) return false;
    for (const at of this.#onNode.keys()) if (this.#placeForOne(item, at, links)) return true;
    if (links > 1) for (const at of this.#onNode.keys()) if (this.#placeForTwo(item, at, links)) return true;
    if (shape.gpu > 0) for (const at of this.#onNode.keys()) if (this.#placeOnCleared(item, at, links)) return true;
    return false;
  }

  #isEnoughInSum({ ram, cpu, gpu }: Shape): boolean {
    const free = this.#room.free();
    return free.ram >= ram && free.cpu >= cpu && free.gpu >= gpu;
  }

  #placeForOne(item: Replica, node: number, links: number): boolean {
    const tried = new Set<number>();
    // A copy: what is tried and undone changes the order of the list.
    const others = [...(this.#onNode[node] ?? [])];
    for (const other of others) {
      if (other.kind === item.kind || !this.#wouldDo(item, node, other)) continue;
      if (isKnown(tried, keyOf(other))) continue;
      if (!this.budget.step()) return false;
      if (this.#replace([other], item, node, links - 1)) return true;
    }
    return false;
  }

  #placeForTwo(item: Replica, node: number, links: number): boolean {
    const tried = new Set<number>();
    const others = [...(this.#onNode[node] ?? [])];
    for (const [i, first] of others.entries()) {
      if (first.kind === item.kind) continue;
      for (let j = i + 1; j < others.length; j++) {
        const second = others[j] as Replica;
        if (second.kind === item.kind || !this.#wouldDo(item, node, first, second)) continue;
        if (isKnown(tried, keyOf(first) * keys + keyOf(second))) continue;
        if (!this.budget.step()) return false;
        if (this.#replace([first, second], item, node, links - 2)) return true;
      }
    }
    return false;
  }

  #placeOnCleared(item: Replica, node: number, links: number): boolean {
    const end = this.#room.firstDevice[node + 1] ?? 0;
    for (let device = this.#room.firstDevice[node] ?? 0; device < end; device++) {
      if (!this.#room.suits(device, item.shape)) continue;
      const there = (this.#onNode[node] ?? []).filter(({ spot }) => spot?.devices.includes(device) === true);
      if (there.length <= Math.min(2, links) || there.length > manyOnDevice) continue;
      if (!this.budget.step()) return false;
      const largestFirst = there.toSorted((a, b) => b.shape.gpu - a.shape.gpu);
      if (this.#replace(largestFirst, item, node, 0)) return true;
    }
    return false;
  }

  /** Would there be RAM and CPU enough without these? */
  #wouldDo({ shape, asker }: Replica, node: number, first: Replica, second?: Replica): boolean {
    const ram = first.shape.ram + (second?.shape.ram ?? 0);
    const cpu = first.shape.cpu + (second?.shape.cpu ?? 0);
    return this.#room.freeRam(node, asker) + ram >= shape.ram && this.#room.freeCpu(node, asker) + cpu >= shape.cpu;
  }

  #replace(others: readonly Replica[], item: Replica, node: number, links: number): boolean {
    const { mark } = this;
    for (const other of others) this.move(other, null);
    if (this.#room.capacityOn(node, item.shape, item.asker, 1) > 0) {
      this.#putOn(node, item);
      if (others.every((other) => this.place(other, links))) return true;
    }
    this.returnTo(mark);
    return false;
  }

  #putOn(node: number, item: Replica): void {
    item.spot = takeOn(this.#room, item.shape, item.asker, node);
    this.addNew(item);
  }

  #set(item: Replica, spot: Spot | null): void {
    const { shape, asker } = item;
    if (item.spot !== null) {
      this.#room.give(shape, item.spot, asker);
      if (item.isMovable) this.#forget(item);
    }
    item.spot = spot;
    if (spot === null) return;
    this.#room.take(shape, spot, asker);
    this.add(item);
  }

  #forget(item: Replica): void {
    const list = this.#listOf(item) ?? [];
    list.splice(list.indexOf(item), 1);
  }

  #listOf({ spot }: Replica): Replica[] | undefined {
    return spot === null ? undefined : this.#onNode[spot.node];
  }
}

/** Replicas of one kind that share a device, or stand on a node without any, are interchangeable there. */
const devices = 2 ** 12;
const keys = devices * 2 ** 13;
const keyOf = ({ kind, spot }: Replica): number => kind * devices + (spot?.devices[0] ?? -1) + 1;

/** Adds it, and says whether it was there. */
function isKnown(tried: Set<number>, key: number): boolean {
  if (tried.has(key)) return true;
  tried.add(key);
  return false;
}
