/**
 * The free room of a cluster, as the planner works on it: a copy in flat arrays that placements are taken from and given back
 * to. Nodes stand in it in the order of their ids, so that every choice between equals falls the same way.
 */

import { compareIds } from './ids.ts';
import { type Device, type Node, type Placement, type Resources, wholeDevice } from './model.ts';
import type { Shape } from './shape.ts';

/** Where one replica stands: a node, and the devices that it has a share of. Numbers are those of the room. */
export interface Spot {
  readonly node: number;
  readonly devices: readonly number[];
}

/** Amounts for each node and each device, in thousandths. Devices of all nodes stand in one row, a node's side by side. */
export interface Amounts {
  readonly ram: Float64Array;
  readonly cpu: Float64Array;
  readonly device: Float64Array;
}

/**
 * Who asks for room. While resources are kept for a reservation, `restrained` is whoever would still run when the holder is
 * to start: it may take only what the holder leaves. The others are gone by then, and see all that is free now.
 */
export type Asker = 'free' | 'restrained';

/** Sums over the room, in thousandths. */
export interface Free extends Resources {
  readonly idle: number;
}

export class Room {
  readonly nodes: readonly Node[];
  /** The devices of node n are numbered from `firstDevice[n]` up to, not including, `firstDevice[n + 1]`. */
  readonly firstDevice: Int32Array;
  readonly #devices: readonly Device[];
  readonly now: Amounts;
  /** What a restrained asker may take at most, beside `now`; infinite where nothing is kept. Null while nothing is. */
  #beside: Amounts | null = null;

  constructor(nodes: readonly Node[], state: 'as it is' | 'emptied' = 'as it is') {
    const emptied = state === 'emptied';
    this.nodes = nodes.toSorted((a, b) => compareIds(a.id, b.id));
    this.firstDevice = new Int32Array(nodes.length + 1);
    this.nodes.forEach((node, n) => {
      this.firstDevice[n + 1] = (this.firstDevice[n] ?? 0) + node.devices.length;
    });
    const devices = this.nodes.flatMap((node) => node.devices.toSorted((a, b) => a.index - b.index));
    this.#devices = devices;
    const of = (node: Node) => (emptied ? node.total : node.free);
    this.now = {
      ram: Float64Array.from(this.nodes, (node) => of(node).ram),
      cpu: Float64Array.from(this.nodes, (node) => of(node).cpu),
      device: Float64Array.from(devices, (device) => (emptied ? wholeDevice : device.free)),
    };
  }

  /** The same room, to try something on. */
  copy(): Room {
    const copy = new Room(this.nodes);
    copy.now.ram.set(this.now.ram);
    copy.now.cpu.set(this.now.cpu);
    copy.now.device.set(this.now.device);
    return copy;
  }

  /** Keeps room: from here on, restrained askers may take at most `beside` (and what is free). */
  keep(beside: Amounts): void {
    this.#beside = beside;
  }

  /** Room is taken by an asker on the spot. The spot must have it: `capacityOn` and `deviceClasses` say so. */
  take(shape: Shape, spot: Spot, asker: Asker): void {
    this.#change(this.now, shape, spot, -1);
    if (asker === 'restrained' && this.#beside !== null) this.#change(this.#beside, shape, spot, -1);
  }

  /** Undoes `take`. */
  give(shape: Shape, spot: Spot, asker: Asker): void {
    this.#change(this.now, shape, spot, 1);
    if (asker === 'restrained' && this.#beside !== null) this.#change(this.#beside, shape, spot, 1);
  }

  #change(amounts: Amounts, shape: Shape, spot: Spot, sign: 1 | -1): void {
    const { node, devices } = spot;
    amounts.ram[node] = (amounts.ram[node] ?? 0) + sign * shape.ram;
    amounts.cpu[node] = (amounts.cpu[node] ?? 0) + sign * shape.cpu;
    const share = sign * Math.min(shape.gpu, wholeDevice);
    for (const device of devices) amounts.device[device] = (amounts.device[device] ?? 0) + share;
  }

  freeRam(node: number, asker: Asker): number {
    const now = this.now.ram[node] ?? 0;
    return asker === 'free' || this.#beside === null ? now : Math.min(now, this.#beside.ram[node] ?? 0);
  }

  freeCpu(node: number, asker: Asker): number {
    const now = this.now.cpu[node] ?? 0;
    return asker === 'free' || this.#beside === null ? now : Math.min(now, this.#beside.cpu[node] ?? 0);
  }

  freeOfDevice(device: number, asker: Asker): number {
    const now = this.now.device[device] ?? 0;
    return asker === 'free' || this.#beside === null ? now : Math.min(now, this.#beside.device[device] ?? 0);
  }

  /** How many replicas of the shape the node could take now, up to `most`. */
  capacityOn(node: number, shape: Shape, asker: Asker, most: number): number {
    const { ram, cpu } = shape;
    const freeRam = this.freeRam(node, asker);
    const freeCpu = this.freeCpu(node, asker);
    if (freeRam < ram || freeCpu < cpu) return 0;
    let capacity = most;
    if (most > 1) {
      if (ram > 0) capacity = Math.min(capacity, Math.floor(freeRam / ram));
      if (cpu > 0) capacity = Math.min(capacity, Math.floor(freeCpu / cpu));
    }
    return shape.gpu === 0 ? capacity : this.#deviceCapacity(node, shape, asker, capacity);
  }

  #deviceCapacity(node: number, shape: Shape, asker: Asker, most: number): number {
    const end = this.firstDevice[node + 1] ?? 0;
    const whole = shape.wholeDevices;
    // Counted in idle devices where the shape takes whole ones, else in shares.
    const enough = whole === 0 ? most : most * whole;
    let count = 0;
    for (let device = this.firstDevice[node] ?? 0; device < end && count < enough; device++) {
      const free = this.freeOfDevice(device, asker);
      if (free < shape.gpu && free < wholeDevice) continue;
      if (!this.suits(device, shape)) continue;
      count += whole === 0 ? Math.floor(free / shape.gpu) : 1;
    }
    return Math.min(most, whole === 0 ? count : Math.floor(count / whole));
  }

  /** Is the device of a model that the shape takes? */
  suits(device: number, shape: Shape): boolean {
    return shape.models === null || shape.models.has(this.#devices[device]?.model ?? '');
  }

  /** How many replicas of the shape the whole room could take now, up to `most`. Exact: replicas of one shape are alike. */
  capacity(shape: Shape, asker: Asker, most: number): number {
    let found = 0;
    for (let node = 0; node < this.nodes.length && found < most; node++) {
      found += this.capacityOn(node, shape, asker, most - found);
    }
    return found;
  }

  /** Could the deployment start now, with all of its replicas? */
  holds(shape: Shape, asker: Asker): boolean {
    return this.capacity(shape, asker, shape.replicas) >= shape.replicas;
  }

  /**
   * The node's devices that have room for the shape, those that no choice can tell apart together (of one model, equally free
   * for all askers), in the order of the first of each.
   */
  deviceClasses(node: number, shape: Shape, asker: Asker): readonly (readonly number[])[] {
    const least = Math.min(shape.gpu, wholeDevice);
    const classes = new Map<string, number[]>();
    const end = this.firstDevice[node + 1] ?? 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      if (this.freeOfDevice(device, asker) < least || !this.suits(device, shape)) continue;
      const key = `${this.#devices[device]?.model}:${this.now.device[device]}:${this.#beside?.device[device]}`;
      const known = classes.get(key);
      if (known === undefined) classes.set(key, [device]);
      else known.push(device);
    }
    return [...classes.values()];
  }

  devicesOf(node: number): number[] {
    const first = this.firstDevice[node] ?? 0;
    return Array.from({ length: (this.firstDevice[node + 1] ?? 0) - first }, (_, i) => first + i);
  }

  /** A device's position on its node: what the runtime is told. */
  indexOf(device: number): number {
    return this.#devices[device]?.index ?? -1;
  }

  /** Amounts that restrain nobody. */
  unlimited(): Amounts {
    return {
      ram: infinite(this.nodes.length),
      cpu: infinite(this.nodes.length),
      device: infinite(this.#devices.length),
    };
  }

  /** Devices of the node that nobody has a share of. */
  idleDevices(node: number): number {
    const end = this.firstDevice[node + 1] ?? 0;
    let idle = 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      if (this.now.device[device] === wholeDevice) idle++;
    }
    return idle;
  }

  /** All that can be told apart about what a node still has, as a key; nodes with equal keys are interchangeable. */
  stateOf(node: number): string {
    const devices: string[] = [];
    const end = this.firstDevice[node + 1] ?? 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      devices.push(`${this.#devices[device]?.model}:${this.now.device[device]}:${this.#beside?.device[device]}`);
    }
    const beside = this.#beside === null ? '' : `${this.#beside.ram[node]},${this.#beside.cpu[node]}`;
    return `${this.now.ram[node]},${this.now.cpu[node]},${beside},${devices.toSorted().join()}`;
  }

  /** Everything that is free now, over all nodes; `idle` counts whole devices, in thousandths as well. */
  free(): Free {
    const idle = this.now.device.reduce((count, free) => count + (free === wholeDevice ? free : 0), 0);
    return { ram: sum(this.now.ram), cpu: sum(this.now.cpu), gpu: sum(this.now.device), idle };
  }

  /** A replica on a spot, in the words of the plan. */
  placement(shape: Shape, spot: Spot, replica: number): Placement {
    const amount = Math.min(shape.gpu, wholeDevice);
    const indexes = spot.devices.map((device) => this.indexOf(device)).toSorted((a, b) => a - b);
    return {
      replica,
      nodeId: this.nodes[spot.node]?.id ?? '',
      resources: shape.request.perReplica,
      devices: indexes.map((index) => ({ index, amount })),
    };
  }
}

function infinite(length: number): Float64Array {
  return new Float64Array(length).fill(Number.POSITIVE_INFINITY);
}

function sum(amounts: Float64Array): number {
  return amounts.reduce((total, one) => total + one, 0);
}
