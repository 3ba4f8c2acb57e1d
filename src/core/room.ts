/**
 * The free room of a cluster, as the planner works on it: a copy in flat arrays that placements are taken from and given back
 * to. Nodes stand in it in the order of their ids, so that every choice between equals falls the same way.
 */

import { compareIds } from './ids.ts';
import {
  type Device,
  type Holding,
  type HostPort,
  type Node,
  type Placement,
  type Resources,
  wholeDevice,
} from './model.ts';
import { MachinePorts } from './ports.ts';
import { Changes, manyReplicas, type Ranks, Seen } from './seen.ts';
import type { Shape } from './shape.ts';
import { Yardsticks } from './usable.ts';
import { closesAt, staysOpen } from './windows.ts';

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

/** How good a node is for a replica that it has room for: the lower, the better. */
type RankOf = (node: number, asker: Asker) => number;

/** What restrained askers may take of a node at most, beside what is free; `devices` in their order on the node. */
export interface Limit {
  ram: number;
  cpu: number;
  readonly devices: number[];
  /** Host ports of its machine that they may not take; absent: none are kept. */
  readonly keptPorts?: readonly HostPort[];
}

const noLimits: ReadonlyMap<number, Limit> = new Map();

/**
 * Who asks for room. While resources are kept for a reservation, `restrained` is whoever would still run when the holder is
 * to start: it may take only what the holder leaves. The others are gone by then, and see all that is free now.
 */
export type Asker = 'free' | 'restrained';

/** Below so many nodes, looking at all of them is cheaper than to remember what was seen. */
const fewNodes = 32;
/** Shapes of which is remembered what was seen; beyond, all nodes are looked at again. */
const rememberedShapes = 1024;

/** So many logs of changes are kept beside the one of all nodes: each change is written into those that it belongs in. */
const manyLogs = 64;

/** The devices that suit a shape. */
interface Suitable {
  /** By device: 1 where it suits. */
  readonly devices: Uint8Array;
  /** What changed of the nodes that have one, and maybe of others. */
  readonly changes: Changes;
}

/** What one replica holds, or is to hold, of its node. */
export type Held = Pick<Holding, 'resources' | 'devices' | 'hostPorts'>;

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
  /** 1 where nothing new is placed. */
  readonly closed: Uint8Array;
  /** The machines that the nodes stand for. Nodes of one machine share its host ports. */
  readonly ports: MachinePorts;
  /** Whether any node closes for maintenance. The rooms of what could ever fit know nothing of it. */
  readonly hasWindows: boolean;
  /** By node: when it closes next, seen from the time that was set; null where none does. */
  #closesAt: Float64Array | null = null;
  #time = 0;
  /** How much of the GPU of a node is of use. */
  readonly yardsticks: Yardsticks;
  /** By node: for how many quarters and halves of a device there is room, and how many devices are idle. */
  readonly #quarters: Int32Array;
  readonly #halves: Int32Array;
  readonly #idle: Int32Array;
  /** What is free in all nodes that are open. */
  readonly #total = { ram: 0, cpu: 0, gpu: 0, idle: 0 };
  /** What restrained askers may take at most, by node. */
  #limits: ReadonlyMap<number, Limit> = noLimits;
  readonly changes: Changes;
  readonly #seen = new Map<Shape, Seen>();
  readonly #suitable = new Map<string, Suitable>();
  readonly #suitableFor = new Map<Shape, Suitable>();
  /** Of the changes, those of nodes that have suitable devices. */
  readonly #logs: { readonly nodes: readonly boolean[]; readonly changes: Changes }[] = [];

  /** A room of these nodes; or the same room as another one, to try something on. What is kept is not copied. */
  constructor(of: readonly Node[] | Room, state: 'as it is' | 'emptied' | 'emptied and opened' = 'as it is') {
    if (of instanceof Room) {
      ({ nodes: this.nodes, firstDevice: this.firstDevice, yardsticks: this.yardsticks } = of);
      this.#devices = of.#devices;
      this.ports = of.ports.copy();
      this.closed = of.closed.slice();
      this.hasWindows = of.hasWindows;
      this.#time = of.#time;
      this.#closesAt = of.#closesAt?.slice() ?? null;
      this.now = { ram: of.now.ram.slice(), cpu: of.now.cpu.slice(), device: of.now.device.slice() };
    } else {
      const emptied = state !== 'as it is';
      this.nodes = of.toSorted((a, b) => compareIds(a.id, b.id));
      this.yardsticks = new Yardsticks(of);
      this.ports = new MachinePorts(this.nodes);
      this.firstDevice = new Int32Array(of.length + 1);
      this.nodes.forEach((node, n) => {
        this.firstDevice[n + 1] = (this.firstDevice[n] ?? 0) + node.devices.length;
      });
      this.#devices = this.nodes.flatMap((node) => node.devices.toSorted((a, b) => a.index - b.index));
      this.hasWindows = !emptied && of.some(({ windows }) => windows !== undefined && windows.length > 0);
      this.closed = Uint8Array.from(this.nodes, ({ schedulable }) =>
        schedulable || state === 'emptied and opened' ? 0 : 1,
      );
      const amounts = (node: Node) => (emptied ? node.total : node.free);
      this.now = {
        ram: Float64Array.from(this.nodes, (node) => amounts(node).ram),
        cpu: Float64Array.from(this.nodes, (node) => amounts(node).cpu),
        device: Float64Array.from(this.#devices, (device) => (emptied ? wholeDevice : device.free)),
      };
    }
    this.changes = new Changes(this.nodes.length);
    this.#quarters = new Int32Array(this.nodes.length);
    this.#halves = new Int32Array(this.nodes.length);
    this.#idle = new Int32Array(this.nodes.length);
    for (let node = 0; node < this.nodes.length; node++) this.#count(node, 1);
  }

  /** Adds what a node has free to what is counted, or takes it off; a closed one counts nothing in the total. */
  #count(node: number, sign: 1 | -1): void {
    let gpu = 0;
    let quarters = 0;
    let halves = 0;
    let idle = 0;
    const end = this.firstDevice[node + 1] ?? 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      const free = this.now.device[device] ?? 0;
      gpu += free;
      quarters += quartersIn(free);
      halves += halvesIn(free);
      if (free === wholeDevice) idle++;
    }
    this.#quarters[node] = (this.#quarters[node] ?? 0) + sign * quarters;
    this.#halves[node] = (this.#halves[node] ?? 0) + sign * halves;
    this.#idle[node] = (this.#idle[node] ?? 0) + sign * idle;
    if (this.closed[node] === 1) return;
    this.#total.ram += sign * (this.now.ram[node] ?? 0);
    this.#total.cpu += sign * (this.now.cpu[node] ?? 0);
    this.#total.gpu += sign * gpu;
    this.#total.idle += sign * idle * wholeDevice;
  }

  /** Keeps room: from here on, restrained askers may take at most so much of these nodes (and what is free). */
  keep(limits: ReadonlyMap<number, Limit>): void {
    this.#limits = limits;
    this.ports.keep([...limits].map(([node, { keptPorts = [] }]) => ({ node, ports: keptPorts })));
  }

  /** Keeps nothing any more. */
  unkeep(): void {
    this.#limits = noLimits;
    this.ports.keep([]);
  }

  /** What is asked from here on is asked of that time, in milliseconds: whether a node stays open for long enough. */
  setTime(now: number): void {
    if (!this.hasWindows) return;
    this.#look(now);
    this.nodes.forEach(({ windows = [] }, node) => {
      if (windows.length > 0) this.#note(node);
    });
  }

  /** Asks something of another time. Nothing may be asked of shapes that is remembered (seen.ts). */
  at<Answer>(time: number, ask: () => Answer): Answer {
    if (!this.hasWindows) return ask();
    const before = this.#time;
    this.#look(time);
    const answer = ask();
    this.#look(before);
    return answer;
  }

  /** Asks as if the node never closed for maintenance. The same holds as for `at`. */
  asIfOpen<Answer>(node: number, ask: () => Answer): Answer {
    const closes = this.#closesAt;
    if (closes === null) return ask();
    const before = closes[node] ?? 0;
    closes[node] = Number.POSITIVE_INFINITY;
    const answer = ask();
    closes[node] = before;
    return answer;
  }

  #look(time: number): void {
    this.#time = time;
    this.#closesAt = Float64Array.from(this.nodes, ({ windows }) => closesAt(windows, time));
  }

  /** The same room, if no maintenance were planned. What is kept is not copied. */
  withoutWindows(): Room {
    const room = new Room(this);
    room.#closesAt = null;
    return room;
  }

  /** Whether something new may be placed on the node. */
  setClosed(node: number, closed: boolean): void {
    this.#count(node, -1);
    this.closed[node] = closed ? 1 : 0;
    this.#count(node, 1);
    this.#note(node);
  }

  /** Frees amounts of a node and of its devices (by their index on it), and host ports, or takes them. */
  adjust(node: number, { resources, devices, hostPorts }: Held, sign: 1 | -1): void {
    const { ram, cpu, device } = this.now;
    this.#count(node, -1);
    ram[node] = (ram[node] ?? 0) + sign * resources.ram;
    cpu[node] = (cpu[node] ?? 0) + sign * resources.cpu;
    for (const share of devices) {
      const number = this.deviceAt(node, share.index);
      if (number !== -1) device[number] = (device[number] ?? 0) + sign * share.amount;
    }
    if (hostPorts !== undefined) this.ports.change(node, hostPorts, sign);
    this.#count(node, 1);
    this.#note(node);
  }

  /**
   * The number of the end after which the node could take a replica, if these ended one after the other; -1 where it still could
   * not. Not for shapes with host ports, which others of the machine may have. Changes nothing.
   */
  fitsAfter(node: number, shape: Shape, ends: readonly Held[]): number {
    let found = -1;
    let freed = 0;
    while (found === -1 && freed < ends.length) {
      this.#suppose(node, ends[freed++], 1);
      if (this.capacityOn(node, shape, 'free', 1) > 0) found = freed - 1;
    }
    while (freed > 0) this.#suppose(node, ends[--freed], -1);
    return found;
  }

  /** As `adjust`, but only to look: nothing is counted, and it is undone before anybody else looks. */
  #suppose(node: number, end: Held | undefined, sign: 1 | -1): void {
    if (end === undefined) return;
    const { ram, cpu, device } = this.now;
    ram[node] = (ram[node] ?? 0) + sign * end.resources.ram;
    cpu[node] = (cpu[node] ?? 0) + sign * end.resources.cpu;
    for (const share of end.devices) {
      const number = this.deviceAt(node, share.index);
      if (number !== -1) device[number] = (device[number] ?? 0) + sign * share.amount;
    }
  }

  /** The number of a node's device, by its index on the node; -1 where there is none. */
  deviceAt(node: number, index: number): number {
    const end = this.firstDevice[node + 1] ?? 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      if (this.#devices[device]?.index === index) return device;
    }
    return -1;
  }

  /** Room is taken by an asker on the spot. The spot must have it: `capacityOn` and `deviceClasses` say so. */
  take(shape: Shape, spot: Spot, asker: Asker): void {
    this.#change(shape, spot, asker, -1);
  }

  /** Undoes `take`. */
  give(shape: Shape, spot: Spot, asker: Asker): void {
    this.#change(shape, spot, asker, 1);
  }

  #change(shape: Shape, { node, devices }: Spot, asker: Asker, sign: 1 | -1): void {
    const { ram, cpu } = this.now;
    this.#note(node);
    ram[node] = (ram[node] ?? 0) + sign * shape.ram;
    cpu[node] = (cpu[node] ?? 0) + sign * shape.cpu;
    const share = sign * Math.min(shape.gpu, wholeDevice);
    if (this.closed[node] === 0) {
      this.#total.ram += sign * shape.ram;
      this.#total.cpu += sign * shape.cpu;
      this.#total.gpu += share * devices.length;
    }
    for (const device of devices) this.#changeDevice(node, device, share);
    if (shape.hostPorts !== null) this.ports.change(node, shape.hostPorts, sign);
    const limit = this.#limitOf(node, asker);
    if (limit === undefined) return;
    limit.ram += sign * shape.ram;
    limit.cpu += sign * shape.cpu;
    const first = this.firstDevice[node] ?? 0;
    for (const device of devices) limit.devices[device - first] = (limit.devices[device - first] ?? 0) + share;
  }

  #changeDevice(node: number, device: number, change: number): void {
    const before = this.now.device[device] ?? 0;
    const after = before + change;
    this.now.device[device] = after;
    this.#quarters[node] = (this.#quarters[node] ?? 0) + quartersIn(after) - quartersIn(before);
    this.#halves[node] = (this.#halves[node] ?? 0) + halvesIn(after) - halvesIn(before);
    const idle = (after === wholeDevice ? 1 : 0) - (before === wholeDevice ? 1 : 0);
    this.#idle[node] = (this.#idle[node] ?? 0) + idle;
    if (this.closed[node] === 0) this.#total.idle += idle * wholeDevice;
  }

  #limitOf(node: number, asker: Asker): Limit | undefined {
    return asker === 'free' || this.#limits.size === 0 ? undefined : this.#limits.get(node);
  }

  /** Takes exactly these places for a deployment of the shape; null, and nothing taken, where they are not all free. */
  takeAt(shape: Shape, placements: readonly Placement[], numberOf: (nodeId: string) => number): Spot[] | null {
    const spots: Spot[] = [];
    for (const { nodeId, devices } of placements) {
      const node = numberOf(nodeId);
      const numbers = devices.map(({ index }) => this.deviceAt(node, index));
      const isFree =
        node !== -1 &&
        this.capacityOn(node, shape, 'free', 1) === 1 &&
        numbers.every((device, i) => device !== -1 && (this.now.device[device] ?? 0) >= (devices[i]?.amount ?? 0));
      if (!isFree) {
        for (const spot of spots) this.give(shape, spot, 'free');
        return null;
      }
      const spot = { node, devices: numbers };
      this.take(shape, spot, 'free');
      spots.push(spot);
    }
    return spots;
  }

  freeRam(node: number, asker: Asker): number {
    return Math.min(this.now.ram[node] ?? 0, this.#limitOf(node, asker)?.ram ?? Number.POSITIVE_INFINITY);
  }

  freeCpu(node: number, asker: Asker): number {
    return Math.min(this.now.cpu[node] ?? 0, this.#limitOf(node, asker)?.cpu ?? Number.POSITIVE_INFINITY);
  }

  /** What an asker may have of a device of this node. */
  freeOfDevice(node: number, device: number, asker: Asker): number {
    const limit = this.#limitOf(node, asker)?.devices[device - (this.firstDevice[node] ?? 0)];
    return Math.min(this.now.device[device] ?? 0, limit ?? Number.POSITIVE_INFINITY);
  }

  /** How many replicas of the shape the node could take now, up to `most`. */
  capacityOn(node: number, shape: Shape, asker: Asker, most: number): number {
    const { ram, cpu } = shape;
    const freeRam = this.freeRam(node, asker);
    const freeCpu = this.freeCpu(node, asker);
    if (freeRam < ram || freeCpu < cpu || !this.#isOpenTo(node, shape)) return 0;
    if (shape.hostPorts !== null && !this.ports.areFree(node, shape.hostPorts, asker)) return 0;
    let capacity = shape.hostPorts === null ? Math.min(most, manyReplicas) : Math.min(most, 1);
    if (capacity > 1) {
      if (ram > 0) capacity = Math.min(capacity, Math.floor(freeRam / ram));
      if (cpu > 0) capacity = Math.min(capacity, Math.floor(freeCpu / cpu));
    }
    return shape.gpu === 0 ? capacity : this.#deviceCapacity(node, shape, asker, capacity);
  }

  /**
   * The same for somebody whom nothing restrains, and any number of replicas: the innermost loop of a pass. Not for shapes with host
   * ports.
   */
  capacityInAll(node: number, shape: Shape, suitable: Uint8Array): number {
    const { ram, cpu, gpu, wholeDevices: whole } = shape;
    const freeRam = this.now.ram[node] ?? 0;
    const freeCpu = this.now.cpu[node] ?? 0;
    if (freeRam < ram || freeCpu < cpu || !this.#isOpenTo(node, shape)) return 0;
    let capacity = manyReplicas;
    if (ram > 0) capacity = Math.min(capacity, Math.floor(freeRam / ram));
    if (cpu > 0) capacity = Math.min(capacity, Math.floor(freeCpu / cpu));
    if (gpu === 0) return capacity;
    const { device: free } = this.now;
    const least = whole > 0 ? wholeDevice : gpu;
    const end = this.firstDevice[node + 1] ?? 0;
    let count = 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      const amount = free[device] ?? 0;
      if (amount >= least && suitable[device] === 1) count += whole > 0 ? 1 : Math.floor(amount / gpu);
    }
    return Math.min(capacity, whole > 0 ? Math.floor(count / whole) : count);
  }

  /** The devices that suit the shape. Shapes that ask for the same models and memory share them. */
  suitable(shape: Shape): Suitable {
    let suitable = this.#suitableFor.get(shape);
    if (suitable !== undefined) return suitable;
    const key = `${shape.gpuMemory} ${shape.models === null ? '' : JSON.stringify([...shape.models].toSorted(compareIds))}`;
    suitable = this.#suitable.get(key);
    if (suitable === undefined) {
      suitable = this.#lookForSuitable(shape);
      this.#suitable.set(key, suitable);
    }
    this.#suitableFor.set(shape, suitable);
    return suitable;
  }

  #lookForSuitable(shape: Shape): Suitable {
    const devices = new Uint8Array(this.#devices.length);
    for (let device = 0; device < devices.length; device++) devices[device] = this.suits(device, shape) ? 1 : 0;
    if (this.#logs.length >= manyLogs) return { devices, changes: this.changes };
    const nodes = this.nodes.map((_, node) =>
      devices.subarray(this.firstDevice[node], this.firstDevice[node + 1]).includes(1),
    );
    const changes = new Changes(nodes.length);
    this.#logs.push({ nodes, changes });
    return { devices, changes };
  }

  /** Something of the node has changed. */
  #note(node: number): void {
    this.changes.add(node);
    for (const { nodes, changes } of this.#logs) if (nodes[node] === true) changes.add(node);
  }

  #isOpenTo(node: number, { labels, lasts }: Shape): boolean {
    if (this.closed[node] === 1) return false;
    if (this.#closesAt !== null && !staysOpen(this.#closesAt[node] ?? 0, this.#time, lasts)) return false;
    if (labels === null) return true;
    const has = this.nodes[node]?.labels;
    return has !== undefined && labels.every(([name, value]) => has[name] === value);
  }

  #deviceCapacity(node: number, shape: Shape, asker: Asker, most: number): number {
    const end = this.firstDevice[node + 1] ?? 0;
    const whole = shape.wholeDevices;
    // Counted in idle devices where the shape takes whole ones, else in shares.
    const enough = whole === 0 ? most : most * whole;
    let count = 0;
    for (let device = this.firstDevice[node] ?? 0; device < end && count < enough; device++) {
      const free = this.freeOfDevice(node, device, asker);
      if (free < shape.gpu && free < wholeDevice) continue;
      if (!this.suits(device, shape)) continue;
      count += whole === 0 ? Math.floor(free / shape.gpu) : 1;
    }
    return Math.min(most, whole === 0 ? count : Math.floor(count / whole));
  }

  /** Is the device of a model, and of a size, that the shape takes? */
  suits(device: number, { models, gpuMemory }: Shape): boolean {
    if (models !== null && !models.has(this.#devices[device]?.model ?? '')) return false;
    return gpuMemory === 0 || gpuMemory <= (this.#devices[device]?.memory ?? 0);
  }

  /**
   * How many replicas of the shape the whole room could take now, up to `most`. Exact, because replicas of one shape are
   * alike; but says nothing about how many of one deployment may share a node.
   */
  capacity(shape: Shape, asker: Asker, most: number): number {
    if (shape.hostPorts !== null) return Math.min(most, this.#machinesFor(shape, asker));
    const seen = this.#seenBy(shape);
    if (seen !== null) {
      let found = seen.capacity;
      if (asker === 'restrained') {
        for (const node of this.#limits.keys()) {
          found += this.capacityOn(node, shape, asker, manyReplicas) - (seen.capacityOn[node] ?? 0);
        }
      }
      return Math.min(most, found);
    }
    let found = 0;
    for (let node = 0; node < this.nodes.length && found < most; node++) {
      found += this.capacityOn(node, shape, asker, most - found);
    }
    return found;
  }

  /** On how many machines a replica would find room: with host ports, each takes one. */
  #machinesFor(shape: Shape, asker: Asker): number {
    const machines = new Set<number>();
    for (let node = 0; node < this.nodes.length; node++) {
      const machine = this.ports.machineOf(node);
      if (!machines.has(machine) && this.capacityOn(node, shape, asker, 1) > 0) machines.add(machine);
    }
    return machines.size;
  }

  /** Could the deployment start now, with all of its replicas? */
  holds(shape: Shape, asker: Asker): boolean {
    const { replicas, maxPerNode } = shape;
    if (this.capacity(shape, asker, replicas) < replicas) return false;
    if (maxPerNode === Number.POSITIVE_INFINITY) return true;
    let found = 0;
    for (let node = 0; node < this.nodes.length && found < replicas; node++) {
      found += this.capacityOn(node, shape, asker, Math.min(maxPerNode, replicas - found));
    }
    return found >= replicas;
  }

  /**
   * What is remembered of a shape, brought up to now; null where looking at all nodes is as good. With host ports nothing is: what
   * changes on one node would have to be noted of all that share its machine.
   */
  #seenBy(shape: Shape): Seen | null {
    if (this.nodes.length < fewNodes || shape.hostPorts !== null) return null;
    let seen = this.#seen.get(shape);
    if (seen === undefined) {
      if (this.#seen.size >= rememberedShapes) return null;
      seen = new Seen(this, shape);
      this.#seen.set(shape, seen);
    }
    seen.catchUp();
    return seen;
  }

  /**
   * The node with the lowest rank of those that could take a replica now, of equals the first; -1 where none could. `rankOf`
   * must be the same each time it is asked about a shape.
   */
  bestNode(shape: Shape, asker: Asker, rankOf: RankOf): number {
    const ranks = this.#seenBy(shape)?.ranks((node) => rankOf(node, 'free')) ?? null;
    if (ranks === null) return this.#lowest(shape, asker, rankOf, null);
    if (asker === 'free' || this.#limits.size === 0) return ranks.best;
    if (this.#limits.has(ranks.best)) return this.#lowest(shape, asker, rankOf, ranks);
    // The best of those where nothing is kept, or one where something is.
    let { best } = ranks;
    for (const node of this.#limits.keys()) {
      if (this.capacityOn(node, shape, asker, 1) === 0) continue;
      const ahead = best === -1 ? -1 : rankOf(node, asker) - (ranks.of[best] ?? 0);
      if (ahead < 0 || (ahead === 0 && node < best)) best = node;
    }
    return best;
  }

  /** By looking at all of them. */
  #lowest(shape: Shape, asker: Asker, rankOf: RankOf, ranks: Ranks | null): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let node = 0; node < this.nodes.length; node++) {
      const isKnown = ranks !== null && this.#limitOf(node, asker) === undefined;
      if (!isKnown && this.capacityOn(node, shape, asker, 1) === 0) continue;
      const rank = isKnown ? (ranks.of[node] ?? least) : rankOf(node, asker);
      if (rank >= least) continue;
      best = node;
      least = rank;
    }
    return best;
  }

  /** The nodes that could take a replica of one of these. */
  nodesFor(kinds: readonly { readonly shape: Shape; readonly asker: Asker }[]): number[] {
    const could = new Uint8Array(this.nodes.length);
    for (const { shape, asker } of kinds) {
      const seen = this.#seenBy(shape);
      for (let node = 0; node < could.length; node++) {
        if (could[node] === 1 || seen?.capacityOn[node] === 0) continue;
        if (this.capacityOn(node, shape, asker, 1) > 0) could[node] = 1;
      }
    }
    const nodes: number[] = [];
    for (let node = 0; node < could.length; node++) if (could[node] === 1) nodes.push(node);
    return nodes;
  }

  /** Nothing more is asked about the shape. */
  forget(shape: Shape): void {
    this.#seen.delete(shape);
    this.#suitableFor.delete(shape);
  }

  /**
   * The node's devices that have room for the shape, those that no choice can tell apart together (of one model, equally free
   * for all askers), in the order of the first of each.
   */
  deviceClasses(node: number, shape: Shape, asker: Asker): readonly (readonly number[])[] {
    const least = Math.min(shape.gpu, wholeDevice);
    const classes: number[][] = [];
    const end = this.firstDevice[node + 1] ?? 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      if (this.freeOfDevice(node, device, asker) < least || !this.suits(device, shape)) continue;
      const known = classes.find(([first = -1]) => this.#isAlike(node, first, device));
      if (known === undefined) classes.push([device]);
      else known.push(device);
    }
    return classes;
  }

  /** Can no choice tell these two devices of the node apart? */
  #isAlike(node: number, a: number, b: number): boolean {
    if (this.now.device[a] !== this.now.device[b]) return false;
    const [{ model, memory } = {}, other] = [this.#devices[a], this.#devices[b]];
    if (model !== other?.model || memory !== other?.memory) return false;
    const limit = this.#limits.get(node)?.devices;
    const first = this.firstDevice[node] ?? 0;
    return limit?.[a - first] === limit?.[b - first];
  }

  devicesOf(node: number): number[] {
    const first = this.firstDevice[node] ?? 0;
    return Array.from({ length: (this.firstDevice[node + 1] ?? 0) - first }, (_, i) => first + i);
  }

  /** A device's position on its node: what the runtime is told. */
  indexOf(device: number): number {
    return this.#devices[device]?.index ?? -1;
  }

  /** How much of the node's GPU is of use now (usable.ts). */
  useOf(node: number): number {
    const { cpu, ram } = this.now;
    const [quarters = 0, halves = 0, idle = 0] = [this.#quarters[node], this.#halves[node], this.#idle[node]];
    return this.yardsticks.use(cpu[node] ?? 0, ram[node] ?? 0, quarters, halves, idle);
  }

  /** How much of it would be, if a replica were placed there: a share on the device, or whole devices, whichever. */
  useWithout(node: number, shape: Shape, device: number): number {
    let [quarters = 0, halves = 0, idle = 0] = [this.#quarters[node], this.#halves[node], this.#idle[node]];
    if (shape.wholeDevices > 0) {
      quarters -= 4 * shape.wholeDevices;
      halves -= 2 * shape.wholeDevices;
      idle -= shape.wholeDevices;
    } else if (shape.gpu > 0) {
      const free = this.now.device[device] ?? 0;
      quarters += quartersIn(free - shape.gpu) - quartersIn(free);
      halves += halvesIn(free - shape.gpu) - halvesIn(free);
      if (free === wholeDevice) idle--;
    }
    const cpu = (this.now.cpu[node] ?? 0) - shape.cpu;
    return this.yardsticks.use(cpu, (this.now.ram[node] ?? 0) - shape.ram, quarters, halves, idle);
  }

  /** All that can be told apart about what a node still has, as a key; nodes with equal keys are interchangeable. */
  stateOf(node: number): string {
    const devices: string[] = [];
    const end = this.firstDevice[node + 1] ?? 0;
    for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
      devices.push(this.#stateOfDevice(node, device));
    }
    const limit = this.#limits.get(node);
    const labels = this.nodes[node]?.labels;
    const said =
      labels === undefined ? '' : JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => compareIds(a, b)));
    const closes = this.#closesAt?.[node] ?? '';
    const own = `${this.closed[node]},${closes},${said},${this.now.ram[node]},${this.now.cpu[node]}`;
    return `${own},${limit?.ram},${limit?.cpu},${devices.toSorted().join()}`;
  }

  #stateOfDevice(node: number, device: number): string {
    const { model, memory } = this.#devices[device] ?? {};
    const limit = this.#limits.get(node)?.devices[device - (this.firstDevice[node] ?? 0)];
    return `${model}:${memory}:${this.now.device[device]}:${limit}`;
  }

  /** Everything that is free now, over all nodes that are open; `idle` counts whole devices, in thousandths as well. */
  free(): Free {
    return { ...this.#total };
  }

  /** What is free of the devices, of nodes that are open, that the shape could use; in thousandths. */
  freeOfSuitable(shape: Shape): number {
    const { devices } = this.suitable(shape);
    let free = 0;
    for (let node = 0; node < this.nodes.length; node++) {
      if (this.closed[node] === 1) continue;
      const end = this.firstDevice[node + 1] ?? 0;
      for (let device = this.firstDevice[node] ?? 0; device < end; device++) {
        if (devices[device] === 1) free += this.now.device[device] ?? 0;
      }
    }
    return free;
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
      ...(shape.hostPorts !== null && { hostPorts: shape.hostPorts }),
    };
  }
}

const quartersIn = (free: number): number => Math.floor((free * 4) / wholeDevice);
const halvesIn = (free: number): number => Math.floor((free * 2) / wholeDevice);
