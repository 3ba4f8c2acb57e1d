/**
 * Where room is kept for a deployment of which nobody can say when it will fit: on the nodes where it comes nearest to fitting.
 * Everybody else may take only what exceeds its need there. What is free on them can only grow, and with it how near it comes,
 * until it fits.
 */
import { type Node, wholeDevice } from './model.ts';
import type { Limit, Room } from './room.ts';
import type { Shape } from './shape.ts';
import type { ClusterState } from './state.ts';

/** In so many parts of a whole it is counted how much a node lacks. */
const eighths = 8;

/** What is kept on a node: for so many replicas, and what that leaves to others. */
export interface Kept {
  readonly replicas: number;
  readonly limit: Limit;
}

/** By node. The deployment does not fit now, and would if all had ended that ever ends by itself. */
export function keepNearest(state: ClusterState, shape: Shape): Map<number, Kept> {
  const { room } = state;
  if (shape.hostPorts !== null) return keepMachines(state, shape);
  if (state.nearest?.shape !== shape) state.nearest = new Nearest(state.room, state.best, shape);
  const kept = new Map<number, Kept>();
  for (const [node, replicas] of state.nearest.assign()) {
    kept.set(node, { replicas, limit: limitOn(room, shape, node, replicas) });
  }
  return kept;
}

/** What is free beyond the need of so many replicas. Of what they do not need, nothing is kept. */
function limitOn(room: Room, shape: Shape, node: number, replicas: number): Limit {
  const needed = devicesFor(room, shape, node, replicas);
  return {
    ram: beyond(room.now.ram[node], replicas * shape.ram),
    cpu: beyond(room.now.cpu[node], replicas * shape.cpu),
    devices: room.devicesOf(node).map((device) => beyond(room.now.device[device], needed.get(device) ?? 0)),
    ...(shape.hostPorts !== null && { keptPorts: shape.hostPorts }),
  };
}

/**
 * With host ports each replica has a machine to itself: as many machines as there are replicas, and of each the node on which least is
 * missing, the ports counting as much as everything else. Nothing is remembered of these from pass to pass: they are few.
 */
function keepMachines({ room, best }: ClusterState, shape: Shape): Map<number, Kept> {
  const nearest = new Map<number, { readonly node: number; readonly lack: number }>();
  for (let node = 0; node < room.nodes.length; node++) {
    if (best.capacityOn(node, shape, 'free', 1) === 0) continue;
    const machine = room.ports.machineOf(node);
    const portsLack = room.ports.areFree(node, shape.hostPorts ?? [], 'free') ? 0 : eighths;
    const lackHere = lack(room, shape, node, 1) + portsLack;
    if (lackHere < (nearest.get(machine)?.lack ?? Number.POSITIVE_INFINITY)) {
      nearest.set(machine, { node, lack: lackHere });
    }
  }
  const chosen = [...nearest.values()].toSorted((a, b) => a.lack - b.lack || a.node - b.node).slice(0, shape.replicas);
  return new Map(chosen.map(({ node }) => [node, { replicas: 1, limit: limitOn(room, shape, node, 1) }]));
}

function beyond(free: number | undefined, need: number): number {
  return need === 0 ? Number.POSITIVE_INFINITY : Math.max(0, (free ?? 0) - need);
}

/** For one shape: how near each node comes. Only nodes that changed are looked at again. */
export class Nearest {
  readonly shape: Shape;
  readonly #room: Room;
  readonly #best: Room;
  /** Replicas that fit now. */
  readonly #fitting: Int32Array;
  #fittingInAll = 0;
  /** What is missing for one more; infinite where the node will never have it. */
  readonly #lack: Float64Array;
  #upTo = -1;
  #bestUpTo = -1;

  constructor(room: Room, best: Room, shape: Shape) {
    this.shape = shape;
    this.#room = room;
    this.#best = best;
    this.#fitting = new Int32Array(room.nodes.length);
    this.#lack = new Float64Array(room.nodes.length);
  }

  /** How many replicas each node is to take: as many as fit now, and the others where least is missing. */
  assign(): Map<number, number> {
    this.#catchUp();
    const replicas = new Map<number, number>();
    if (this.#fittingInAll > 0) {
      this.#fitting.forEach((fitting, node) => {
        if (fitting > 0) replicas.set(node, fitting);
      });
    }
    const lacks = this.shape.replicas === 1 ? this.#lack : this.#lack.slice();
    for (let missing = this.shape.replicas - this.#fittingInAll; missing > 0; missing--) {
      const node = lowest(lacks);
      const next = (replicas.get(node) ?? 0) + 1;
      replicas.set(node, next);
      if (missing > 1) lacks[node] = this.#lackOf(node, next + 1);
    }
    return replicas;
  }

  #catchUp(): void {
    const { changes } = this.#room;
    const isNew = this.#upTo === -1 || changes.isLongAgo(this.#upTo) || this.#bestUpTo !== this.#best.changes.count;
    if (isNew) for (let node = 0; node < this.#lack.length; node++) this.#lookAt(node);
    else for (let number = this.#upTo; number < changes.count; number++) this.#lookAtIf(changes.at(number));
    this.#upTo = changes.count;
    this.#bestUpTo = this.#best.changes.count;
  }

  #lookAtIf(node: number): void {
    if (node !== -1) this.#lookAt(node);
  }

  #lookAt(node: number): void {
    const { shape } = this;
    const fitting = this.#room.capacityOn(node, shape, 'free', Math.min(shape.replicas, shape.maxPerNode));
    this.#fittingInAll += fitting - (this.#fitting[node] ?? 0);
    this.#fitting[node] = fitting;
    this.#lack[node] = this.#lackOf(node, fitting + 1);
  }

  #lackOf(node: number, replicas: number): number {
    const { shape } = this;
    const most = Math.min(shape.replicas, shape.maxPerNode);
    if (replicas > most || this.#best.capacityOn(node, shape, 'free', replicas) < replicas) {
      return Number.POSITIVE_INFINITY;
    }
    return lack(this.#room, shape, node, replicas);
  }
}

/** The first of the lowest. */
function lowest(values: Float64Array): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) < (values[at] ?? 0)) at = i;
  return at;
}

/**
 * What the node lacks for so many replicas: in each dimension as a part of what it has, added up, in whole eighths. Coarse, so
 * that a node is not given up half drained because another has come a little nearer.
 */
function lack(room: Room, shape: Shape, node: number, replicas: number): number {
  const { total } = room.nodes[node] as Node;
  const ram = Math.max(0, replicas * shape.ram - (room.now.ram[node] ?? 0)) / Math.max(1, total.ram);
  const cpu = Math.max(0, replicas * shape.cpu - (room.now.cpu[node] ?? 0)) / Math.max(1, total.cpu);
  let gpu = 0;
  for (const [device, amount] of devicesFor(room, shape, node, replicas)) {
    gpu += Math.max(0, amount - (room.now.device[device] ?? 0)) / Math.max(1, total.gpu);
  }
  return Math.ceil(eighths * (ram + cpu + gpu));
}

/**
 * Which devices of the node so many replicas are to have, and how much of each: what is free enough already, then in the order
 * of the devices. Not the freest: which one that is changes with every end, and a device would be given up half drained. So a
 * device once kept is kept until it is free enough, or until another has become so by itself.
 */
function devicesFor(room: Room, shape: Shape, node: number, replicas: number): ReadonlyMap<number, number> {
  const kept = new Map<number, number>();
  if (shape.gpu === 0) return kept;
  const amount = Math.min(shape.gpu, wholeDevice);
  const suitable = room.devicesOf(node).filter((device) => room.suits(device, shape));
  for (let i = 0; i < replicas * Math.max(1, shape.wholeDevices); i++) {
    const possible = suitable.filter((device) => (kept.get(device) ?? 0) + amount <= wholeDevice);
    const free = possible.find((device) => (kept.get(device) ?? 0) + amount <= (room.now.device[device] ?? 0));
    const chosen = free ?? possible[0];
    if (chosen === undefined) break;
    kept.set(chosen, (kept.get(chosen) ?? 0) + amount);
  }
  return kept;
}
