/** Why a deployment waits: the typed reason, and what is missing where it comes nearest. */
import {
  type Node,
  type PortUse,
  type QueuedDeployment,
  type Resources,
  type Wait,
  type WaitReason,
  wholeDevice,
} from './model.ts';
import { effectivePriority } from './order.ts';
import type { Pass } from './pass.ts';
import { machineOf } from './ports.ts';
import type { Asker, Free, Room } from './room.ts';
import { hasLabels, type Shape, shapeOf } from './shape.ts';

export type Why = Pick<Wait, 'reason' | 'shortfall' | 'nearestNode' | 'replicasFitting' | 'portTaken'>;

type Missing = Omit<Why, 'reason' | 'portTaken'>;

/** Explains waiting deployments. To be asked when all that is placed has been placed. */
export class Explainer {
  readonly #pass: Pass;
  readonly #free: Free;
  /** By shape: of one shape and asker, all wait for the same reason, but for who of the level was outdone. */
  readonly #known: Readonly<Record<Asker, Map<Shape, Why>>> = { free: new Map(), restrained: new Map() };
  readonly #outdone = new Map<Why, Why>();

  constructor(pass: Pass) {
    this.#pass = pass;
    this.#free = pass.room.free();
  }

  why(deployment: QueuedDeployment): Why {
    const pass = this.#pass;
    if (pass.state.claims.has(deployment.id)) return { ...this.#plainly(deployment), reason: 'preempting' };
    return pass.settled.has(deployment.id) ? this.#plainly(deployment) : this.usually(deployment);
  }

  /** Why it would wait if nothing special had been decided about it. */
  usually(deployment: QueuedDeployment): Why {
    const pass = this.#pass;
    const why = this.#plainly(deployment);
    const isShort = why.reason === 'insufficient_resources' || why.reason === 'fragmented';
    if (!isShort) return why;
    const effective = effectivePriority(deployment, pass.policy, pass.now);
    const isAllocatable = pass.wasAllocatable(effective, this.#shapeOf(deployment), pass.askerFor(deployment));
    return isAllocatable && pass.wasOutdone(effective, deployment) ? this.#asOutdone(why) : why;
  }

  /** Whoever else of its level was chosen. */
  #plainly(deployment: QueuedDeployment): Why {
    return this.#whyShape(this.#shapeOf(deployment), this.#pass.askerFor(deployment));
  }

  #shapeOf({ id }: QueuedDeployment): Shape {
    const shape = this.#pass.state.queue.shapeOf(id);
    if (shape === undefined) throw new Error(`deployment ${id} is not queued`);
    return shape;
  }

  #whyShape(shape: Shape, asker: Asker): Why {
    let why = this.#known[asker].get(shape);
    if (why === undefined) {
      why = whyShape(this.#pass, this.#free, shape, asker);
      this.#known[asker].set(shape, why);
    }
    return why;
  }

  #asOutdone(why: Why): Why {
    let because = this.#outdone.get(why);
    if (because === undefined) {
      because = { ...why, reason: 'level_chose_larger_set' };
      this.#outdone.set(why, because);
    }
    return because;
  }
}

function whyShape(pass: Pass, free: Free, shape: Shape, asker: Asker): Why {
  const { empty, everything } = pass.state;
  if (pass.canEver(shape)) {
    const portTaken = portTakenFrom(pass, shape, asker);
    if (portTaken !== null) return { reason: 'port_taken', portTaken, ...missing(pass.room, empty, shape) };
    return { reason: reasonOf(pass, free, shape, asker), ...missing(pass.room, empty, shape) };
  }
  return everything.holds(shape, 'free')
    ? { reason: 'no_schedulable_node', ...missing(pass.room, empty, shape) }
    : { reason: 'never_fits', ...missing(everything, everything, shape) };
}

function reasonOf(pass: Pass, free: Free, shape: Shape, asker: Asker): WaitReason {
  if (pass.fitsNow(shape, asker)) return 'pass_full';
  if (pass.fitsNow(shape, 'free')) return 'held_by_reservation';
  if (pass.room.hasWindows && pass.room.withoutWindows().holds(shape, 'free')) return 'maintenance';
  return isEnoughInSum(pass.room, free, shape) ? 'fragmented' : 'insufficient_resources';
}

/** Who has a host port that it needs, where nothing else stands in its way; null where it is not that. */
function portTakenFrom(pass: Pass, shape: Shape, asker: Asker): PortUse | null {
  const { room } = pass;
  if (shape.hostPorts === null || pass.fitsNow(shape, 'free')) return null;
  const portless = shapeOf({ ...shape.request, hostPorts: [] });
  if (!room.holds(portless, asker)) return null;
  for (let node = 0; node < room.nodes.length; node++) {
    if (room.capacityOn(node, portless, asker, 1) === 0 || room.ports.areFree(node, shape.hostPorts, 'free')) continue;
    const use = usesOn(pass, node).find(({ port }) => shape.hostPorts?.includes(port));
    if (use !== undefined) return use;
  }
  return null;
}

/** Who has which host ports of a node's machine, or was given them in this pass. */
function usesOn({ state, room, placed, preemptions }: Pass, node: number): PortUse[] {
  const machine = room.ports.machineOf(node);
  const isThere = (nodeId: string) => room.ports.machineOf(state.numberOf(nodeId)) === machine;
  const name = machineOf(room.nodes[node] as Node);
  const uses = (deploymentId: string, ports: readonly string[]) =>
    ports.map((port) => ({ machine: name, port, deploymentId }));
  const claims = [...state.claims.values(), ...preemptions.claims];
  return [
    ...state.foreignPorts.filter((use) => use.machine === name),
    ...state.holdings.flatMap(({ nodeId, deploymentId, hostPorts }) =>
      hostPorts !== undefined && isThere(nodeId) ? uses(deploymentId, hostPorts) : [],
    ),
    ...[...placed].flatMap(
      ([
        id,
        {
          shape: { hostPorts },
          spots,
        },
      ]) =>
        hostPorts !== null && spots.some((spot) => room.ports.machineOf(spot.node) === machine)
          ? uses(id, hostPorts)
          : [],
    ),
    ...claims.flatMap(({ deploymentId, placements }) =>
      placements.flatMap(({ nodeId, hostPorts }) =>
        hostPorts !== undefined && isThere(nodeId) ? uses(deploymentId, hostPorts) : [],
      ),
    ),
  ];
}

function isEnoughInSum(room: Room, everywhere: Resources, shape: Shape): boolean {
  const { ram, cpu, gpu, replicas } = shape;
  const free = shape.labels === null ? everywhere : freeWithLabels(room, shape);
  if (free.ram < ram * replicas || free.cpu < cpu * replicas || free.gpu < gpu * replicas) return false;
  if (shape.models === null && shape.gpuMemory === 0) return true;
  return room.freeOfSuitable(shape) >= gpu * replicas;
}

/** What is free on open nodes that have its labels. */
function freeWithLabels(room: Room, shape: Shape): Resources {
  const free = { ram: 0, cpu: 0, gpu: 0 };
  for (let node = 0; node < room.nodes.length; node++) {
    if (room.closed[node] === 1 || !hasLabels(room.nodes[node] as Node, shape)) continue;
    free.ram += room.now.ram[node] ?? 0;
    free.cpu += room.now.cpu[node] ?? 0;
    const end = room.firstDevice[node + 1] ?? 0;
    for (let device = room.firstDevice[node] ?? 0; device < end; device++) free.gpu += room.now.device[device] ?? 0;
  }
  return free;
}

/** What one replica lacks on the node that comes nearest, of those that have its labels and could hold it if they were empty. */
function missing(room: Room, empty: Room, shape: Shape): Missing {
  let nearest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let node = 0; node < room.nodes.length; node++) {
    if (room.closed[node] === 1 || !hasLabels(room.nodes[node] as Node, shape)) continue;
    const ram = lackOf(shape.ram, room.now.ram, empty.now.ram, node);
    if (ram >= least) continue;
    const cpu = lackOf(shape.cpu, room.now.cpu, empty.now.cpu, node);
    // Looked at device by device only where the node could still be the nearest.
    if (ram + cpu >= least) continue;
    const distance = ram + cpu + lackOfGpu(room, empty, shape, node);
    if (distance >= least) continue;
    nearest = node;
    least = distance;
  }
  if (nearest === -1) return { shortfall: shape.request.perReplica, nearestNode: null, replicasFitting: 0 };
  return {
    shortfall: {
      ram: Math.max(0, shape.ram - (room.now.ram[nearest] ?? 0)),
      cpu: Math.max(0, shape.cpu - (room.now.cpu[nearest] ?? 0)),
      gpu: Math.max(0, shape.gpu - usableGpu(room, shape, nearest)),
    },
    nearestNode: room.nodes[nearest]?.name ?? null,
    replicasFitting: room.capacity(shape, 'free', shape.replicas),
  };
}

/** More than any lack: nodes that could never hold a replica come after all that could. */
const farAway = 1e9;

/** What is missing of one dimension, as a part of what the node has of it. */
function lackOf(need: number, free: Float64Array, total: Float64Array, node: number): number {
  const there = free[node] ?? 0;
  if (need <= there) return 0;
  const all = total[node] ?? 0;
  return (need - there) / Math.max(1, all) + (need > all ? farAway : 0);
}

function lackOfGpu(room: Room, empty: Room, shape: Shape, node: number): number {
  if (shape.gpu === 0) return 0;
  const there = usableGpu(room, shape, node);
  if (shape.gpu <= there) return 0;
  const all = (room.nodes[node]?.devices.length ?? 0) * wholeDevice;
  return (shape.gpu - there) / Math.max(1, all) + (shape.gpu > usableGpu(empty, shape, node) ? farAway : 0);
}

/** What of the node's GPU is of use for one replica: idle devices for whole ones; the freest device for a share. */
function usableGpu(room: Room, shape: Shape, node: number): number {
  if (shape.gpu === 0) return 0;
  const { devices } = room.suitable(shape);
  let usable = 0;
  const end = room.firstDevice[node + 1] ?? 0;
  for (let device = room.firstDevice[node] ?? 0; device < end; device++) {
    if (devices[device] === 0) continue;
    const free = room.now.device[device] ?? 0;
    if (shape.wholeDevices === 0) usable = Math.max(usable, free);
    else if (free === wholeDevice) usable += wholeDevice;
  }
  return usable;
}
