/** Arithmetic on amounts (whole thousandths), and the one predicate that says whether a node can take replicas. */
import { type HostPort, type Node, type Placement, type Resources, wholeDevice } from './model.ts';

export const nothing: Resources = { ram: 0, cpu: 0, gpu: 0 };

export function add(a: Resources, b: Resources): Resources {
  return { ram: a.ram + b.ram, cpu: a.cpu + b.cpu, gpu: a.gpu + b.gpu };
}

export function times(a: Resources, factor: number): Resources {
  return { ram: a.ram * factor, cpu: a.cpu * factor, gpu: a.gpu * factor };
}

/** Is `a` at most `b` in every dimension? */
function within(a: Resources, b: Resources): boolean {
  return a.ram <= b.ram && a.cpu <= b.cpu && a.gpu <= b.gpu;
}

/** How many whole devices one replica takes; 0 where it takes none or a share of one. */
export function wholeDevices(gpu: number): number {
  return gpu < wholeDevice ? 0 : gpu / wholeDevice;
}

/**
 * Can this node take these replicas, all of them, beside what it holds already? Checks every dimension of the node and every
 * GPU device by itself: a whole device must be idle, and the devices named must add up to what the replica asked for.
 *
 * The planner's answer is checked with it before it is given, and the commit checks it again against the locked rows: a plan
 * that this predicate refuses is never written.
 */
export function fits(node: Node, replicas: readonly Placement[]): boolean {
  // Nothing is always fine, also on a node that was made smaller than what it holds.
  if (replicas.length === 0) return true;
  if (!node.schedulable) return false;
  if (!arePortsFree(node, replicas)) return false;
  let taken = nothing;
  const takenOfDevice = new Map<number, number>();
  for (const replica of replicas) {
    let named = 0;
    taken = add(taken, replica.resources);
    for (const { index, amount } of replica.devices) {
      if (amount <= 0) return false;
      named += amount;
      takenOfDevice.set(index, (takenOfDevice.get(index) ?? 0) + amount);
    }
    if (replica.nodeId !== node.id || named !== replica.resources.gpu) return false;
  }
  if (!within(taken, node.free)) return false;
  const free = new Map(node.devices.map((device) => [device.index, device.free]));
  return [...takenOfDevice].every(([index, amount]) => amount <= (free.get(index) ?? 0));
}

/** Does nobody have a port that one of these needs, and no two of these the same? */
function arePortsFree({ takenPorts = [] }: Node, replicas: readonly Placement[]): boolean {
  const ports = [...takenPorts, ...replicas.flatMap(({ hostPorts = [] }) => hostPorts)];
  const needed = new Set(replicas.flatMap(({ hostPorts = [] }) => hostPorts));
  return ports.filter((port) => needed.has(port)).length === needed.size;
}

/** The node without these replicas. */
export function freed(node: Node, replicas: readonly Placement[]): Node {
  const shares = replicas.flatMap(({ devices }) => devices);
  const ofDevice = (index: number) =>
    shares.reduce((sum, share) => sum + (share.index === index ? share.amount : 0), 0);
  return {
    ...node,
    free: replicas.reduce((free, { resources }) => add(free, resources), node.free),
    devices: node.devices.map((device) => ({ ...device, free: device.free + ofDevice(device.index) })),
    ...(node.takenPorts !== undefined && { takenPorts: without(node.takenPorts, replicas) }),
  };
}

/** Each port is given up once for each replica that has it: whoever else was promised the same still shows. */
function without(taken: readonly HostPort[], replicas: readonly Placement[]): HostPort[] {
  const left = [...taken];
  for (const port of replicas.flatMap(({ hostPorts = [] }) => hostPorts)) {
    const at = left.indexOf(port);
    if (at !== -1) left.splice(at, 1);
  }
  return left;
}
