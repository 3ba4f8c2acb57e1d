/** Why a deployment waits: the typed reason, and what is missing where it comes nearest. */
import { type Node, type Resources, type Wait, type WaitReason, wholeDevice } from './model.ts';
import type { Pass } from './pass.ts';
import { nothing } from './resources.ts';
import { type Asker, Room } from './room.ts';
import type { Shape } from './shape.ts';

export type Why = Pick<Wait, 'reason' | 'shortfall' | 'nearestNode' | 'replicasFitting'>;

/** What is missing does not depend on who of a shape asks, so it is found once for a shape. */
type Missing = Omit<Why, 'reason'>;

/** Explains waiting deployments, by position. To be asked when all that is placed has been placed. */
export function explainer(pass: Pass, nodes: readonly Node[]): (position: number) => Why {
  const { queue } = pass;
  const everything = new Room(nodes, 'emptied');
  const lastAdmitted = lastAdmittedByLevel(pass);
  const known: Record<Asker, Map<Shape, Why>> = { free: new Map(), restrained: new Map() };
  const ofShape = (shape: Shape, asker: Asker): Why => {
    const found = known[asker].get(shape);
    if (found !== undefined) return found;
    const why = whyShape(pass, everything, shape, asker);
    known[asker].set(shape, why);
    return why;
  };
  const outdone = new Map<Why, Why>();
  return (position) => {
    const why = ofShape(queue.shapes[position] as Shape, pass.askerAt(position));
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

/** For each effective priority, the last one admitted in its turn: whoever of the level waits before it was outdone by others. */
function lastAdmittedByLevel(pass: Pass): Map<number, number> {
  const last = new Map<number, number>();
  pass.placed.forEach((spots, position) => {
    if (spots !== undefined && !pass.outOfTurn.has(position)) last.set(pass.queue.effective[position] ?? 0, position);
  });
  return last;
}

function whyShape(pass: Pass, everything: Room, shape: Shape, asker: Asker): Why {
  if (!pass.canEver(shape)) {
    if (!everything.holds(shape, 'free')) return { reason: 'never_fits', ...missing(everything, everything, shape) };
    return { reason: 'no_schedulable_node', ...missing(pass.room, pass.emptyRoom, shape) };
  }
  return { reason: reasonOf(pass, shape, asker), ...missing(pass.room, pass.emptyRoom, shape) };
}

function reasonOf(pass: Pass, shape: Shape, asker: Asker): WaitReason {
  if (pass.fitsNow(shape, asker)) return 'pass_full';
  if (pass.fitsNow(shape, 'free')) return 'held_by_reservation';
  return isEnoughInSum(pass.room, shape) ? 'fragmented' : 'insufficient_resources';
}

function isEnoughInSum(room: Room, shape: Shape): boolean {
  const free = room.free();
  const { ram, cpu, gpu, replicas } = shape;
  if (free.ram < ram * replicas || free.cpu < cpu * replicas) return false;
  if (shape.models === null) return free.gpu >= gpu * replicas;
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
    const { total } = room.nodes[node] as Node;
    const distance =
      (empty.capacityOn(node, shape, 'free', 1) === 0 ? farAway : 0) +
      lackOfRam(room, shape, node) / Math.max(1, total.ram) +
      lackOfCpu(room, shape, node) / Math.max(1, total.cpu) +
      (shape.gpu === 0 ? 0 : lackOfGpu(room, shape, node) / Math.max(1, total.gpu));
    if (distance >= least) continue;
    nearest = node;
    least = distance;
  }
  if (nearest === -1) return { shortfall: shape.request.perReplica, nearestNode: null, replicasFitting: 0 };
  const shortfall: Resources = {
    ram: lackOfRam(room, shape, nearest),
    cpu: lackOfCpu(room, shape, nearest),
    gpu: lackOfGpu(room, shape, nearest),
  };
  return {
    shortfall: shortfall.ram + shortfall.cpu + shortfall.gpu === 0 ? nothing : shortfall,
    nearestNode: room.nodes[nearest]?.name ?? null,
    replicasFitting: room.capacity(shape, 'free', shape.replicas),
  };
}

/** More than any lack: nodes that could never hold a replica come after all that could. */
const farAway = 1e9;

function lackOfRam(room: Room, shape: Shape, node: number): number {
  return Math.max(0, shape.ram - (room.now.ram[node] ?? 0));
}

function lackOfCpu(room: Room, shape: Shape, node: number): number {
  return Math.max(0, shape.cpu - (room.now.cpu[node] ?? 0));
}

/** For whole devices, what is missing is idle ones; for a share, what the freest device has too little. */
function lackOfGpu(room: Room, shape: Shape, node: number): number {
  let best = 0;
  const end = room.firstDevice[node + 1] ?? 0;
  for (let device = room.firstDevice[node] ?? 0; device < end; device++) {
    const free = room.now.device[device] ?? 0;
    if (!room.suits(device, shape)) continue;
    if (shape.wholeDevices === 0) best = Math.max(best, free);
    else if (free === wholeDevice) best += wholeDevice;
  }
  return Math.max(0, shape.gpu - best);
}
