/** Why a deployment waits: the typed reason, and what is missing where it comes nearest. */
import { type Node, type Wait, type WaitReason, wholeDevice } from './model.ts';
import type { Pass } from './pass.ts';
import { type Asker, type Free, Room } from './room.ts';
import type { Shape } from './shape.ts';

export type Why = Pick<Wait, 'reason' | 'shortfall' | 'nearestNode' | 'replicasFitting'>;

type Missing = Omit<Why, 'reason'>;

/** Explains waiting deployments, by position. To be asked when all that is placed has been placed. */
export function explainer(pass: Pass, nodes: readonly Node[]): (position: number) => Why {
  const { queue } = pass;
  const left: Left = { pass, everything: new Room(nodes, 'emptied'), free: pass.room.free() };
  const lastAdmitted = lastAdmittedByLevel(pass);
  const known: Record<Asker, Why[]> = { free: [], restrained: [] };
  const outdone = new Map<Why, Why>();
  return (position) => {
    const shape = queue.shapes[position] as Shape;
    const asker = pass.askerAt(position);
    const why = (known[asker][shape.index] ??= whyShape(left, shape, asker));
    const isOutdone =
      pass.allocatable[position] === 1 &&
      (why.reason === 'insufficient_resources' || why.reason === 'fragmented') &&
      (lastAdmitted.get(queue.effective[position] ?? 0) ?? -1) > position;
    if (!isOutdone) return why;
    const because = outdone.get(why) ?? { ...why, reason: 'level_chose_larger_set' };
    outdone.set(why, because);
    return because;
  };
}

/** What a pass left over, and what there would be if nothing ran, with the cordoned nodes. */
interface Left {
  readonly pass: Pass;
  readonly everything: Room;
  readonly free: Free;
}

/** For each effective priority, the last one admitted in its turn: whoever of the level waits before it was outdone by others. */
function lastAdmittedByLevel(pass: Pass): Map<number, number> {
  const last = new Map<number, number>();
  pass.placed.forEach((spots, position) => {
    if (spots !== undefined && !pass.outOfTurn.has(position)) last.set(pass.queue.effective[position] ?? 0, position);
  });
  return last;
}

function whyShape({ pass, everything, free }: Left, shape: Shape, asker: Asker): Why {
  if (pass.canEver(shape)) {
    return { reason: reasonOf(pass, free, shape, asker), ...missing(pass.room, pass.emptyRoom, shape) };
  }
  return everything.holds(shape, 'free')
    ? { reason: 'no_schedulable_node', ...missing(pass.room, pass.emptyRoom, shape) }
    : { reason: 'never_fits', ...missing(everything, everything, shape) };
}

function reasonOf(pass: Pass, free: Free, shape: Shape, asker: Asker): WaitReason {
  if (pass.fitsNow(shape, asker)) return 'pass_full';
  if (pass.fitsNow(shape, 'free')) return 'held_by_reservation';
  return isEnoughInSum(pass.room, free, shape) ? 'fragmented' : 'insufficient_resources';
}

function isEnoughInSum(room: Room, free: Free, shape: Shape): boolean {
  const { ram, cpu, gpu, replicas } = shape;
  if (free.ram < ram * replicas || free.cpu < cpu * replicas || free.gpu < gpu * replicas) return false;
  if (shape.models === null) return true;
  let suitable = 0;
  room.now.device.forEach((amount, device) => {
    if (room.suits(device, shape)) suitable += amount;
  });
  return suitable >= gpu * replicas;
}

/** What one replica lacks on the node that comes nearest, of those that could hold it if they were empty. */
function missing(room: Room, empty: Room, shape: Shape): Missing {
  let nearest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let node = 0; node < room.nodes.length; node++) {
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
  let usable = 0;
  const end = room.firstDevice[node + 1] ?? 0;
  for (let device = room.firstDevice[node] ?? 0; device < end; device++) {
    const free = room.now.device[device] ?? 0;
    if (!room.suits(device, shape)) continue;
    if (shape.wholeDevices === 0) usable = Math.max(usable, free);
    else if (free === wholeDevice) usable += wholeDevice;
  }
  return usable;
}
