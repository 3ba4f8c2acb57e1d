/**
 * Where replicas go: best fit, so that what stays free stays in large pieces.
 *
 * GPUs are what fragments: a device once shared is lost to whole-device shapes, and a node with few idle devices left is lost
 * to large ones. So shares go onto devices that are shared already, whole devices are taken where the fewest stay idle, and
 * what needs no GPU keeps away from nodes that have idle ones, whose RAM and CPU they will need. This is the aim of
 * fragmentation gradient descent (Weng et al., "Beware of Fragmentation", USENIX ATC 2023), by rules instead of gradients.
 */
import type { Asker, Room, Spot } from './room.ts';
import type { Shape } from './shape.ts';
import { useOfDevice } from './usable.ts';

/** Where the replicas of one deployment stand, replica 0 first. */
export type Spots = readonly Spot[];

const nowhere: readonly Spots[] = [];

/** Places every replica of a deployment, or none: null where they do not all fit. Takes the room. */
export function placeOne(room: Room, shape: Shape, asker: Asker): Spots | null {
  return placeSeveral(room, shape, asker, 1)[0] ?? null;
}

/** Places as many deployments of a shape as fit, up to `most`, each with all of its replicas. Takes the room. */
export function placeSeveral(room: Room, shape: Shape, asker: Asker, most: number): readonly Spots[] {
  if (shape.maxPerNode !== Number.POSITIVE_INFINITY) return placeApart(room, shape, asker, most);
  // Replicas of one shape are alike: wherever one goes, it costs the others the room of exactly one. So this count is exact.
  const possible = Math.floor(room.capacity(shape, asker, most * shape.replicas) / shape.replicas);
  if (possible === 0) return nowhere;
  const placed: Spots[] = [];
  let node = -1;
  while (placed.length < possible) {
    const spots: Spot[] = [];
    while (spots.length < shape.replicas) {
      node = nextNode(room, shape, asker, node);
      spots.push(takeOn(room, shape, asker, node));
    }
    placed.push(spots);
  }
  return placed;
}

/** The same where only so many replicas of one deployment may share a node. */
function placeApart(room: Room, shape: Shape, asker: Asker, most: number): readonly Spots[] {
  const placed: Spots[] = [];
  while (placed.length < most && room.holds(shape, asker)) {
    const spots: Spot[] = [];
    const onNode = new Map<number, number>();
    while (spots.length < shape.replicas) {
      const isOpen = (node: number) => (onNode.get(node) ?? 0) < shape.maxPerNode;
      const node = bestNodeOf(room, shape, asker, isOpen);
      onNode.set(node, (onNode.get(node) ?? 0) + 1);
      spots.push(takeOn(room, shape, asker, node));
    }
    placed.push(spots);
  }
  return placed;
}

export function takeOn(room: Room, shape: Shape, asker: Asker, node: number): Spot {
  const spot = { node, devices: bestDevices(room, shape, node, asker) };
  room.take(shape, spot, asker);
  return spot;
}

/** Gives back the room of deployments: for each of the kinds, where they stand. */
export function release(
  room: Room,
  kinds: readonly { readonly shape: Shape; readonly asker: Asker }[],
  placed: readonly (readonly Spots[])[],
): void {
  placed.forEach((ofKind, kind) => {
    const { shape, asker } = kinds[kind] as { shape: Shape; asker: Asker };
    for (const spots of ofKind) for (const spot of spots) room.give(shape, spot, asker);
  });
}

/**
 * A node that was the best for one replica is so for the next one alike, as long as it has room: it is fuller now. Only
 * shares look again: the next one might have to break an idle device here, where another node has a shared one.
 */
function nextNode(room: Room, shape: Shape, asker: Asker, last: number): number {
  const isShare = shape.gpu > 0 && shape.wholeDevices === 0;
  if (last !== -1 && !isShare && room.capacityOn(last, shape, asker, 1) > 0) return last;
  return bestNode(room, shape, asker);
}

function bestNode(room: Room, shape: Shape, asker: Asker): number {
  return room.bestNode(shape, asker, (node, by) => rankOf(room, shape, node, by));
}

/** The best of the nodes that will do, by looking at all of them. */
export function bestNodeOf(room: Room, shape: Shape, asker: Asker, willDo: (node: number) => boolean): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let node = 0; node < room.nodes.length; node++) {
    if (!willDo(node) || room.capacityOn(node, shape, asker, 1) === 0) continue;
    const rank = rankOf(room, shape, node, asker);
    if (rank >= least) continue;
    best = node;
    least = rank;
  }
  return best;
}

/**
 * How good a node is for one replica that it has room for: the less GPU becomes useless, the better; between equals, the less
 * RAM and CPU stays free. Equal: the node with the lower id.
 */
function rankOf(room: Room, shape: Shape, node: number, asker: Asker): number {
  const isShare = shape.gpu > 0 && shape.wholeDevices === 0;
  const before = room.useOf(node);
  const after = room.useWithout(node, shape, isShare ? bestShare(room, shape, node, asker) : -1);
  const lost = shape.wholeDevices > 1 ? (before - after) / useOfDevice : bent(before) - bent(after);
  return 10_000 * lost + leftoverOn(room, shape, node);
}

/**
 * Of two nodes that would lose as much, the one that has more left is hit: the curve is bent. So nodes are drained evenly, and
 * few of them run out of CPU while devices are left. Not for what takes several devices: it would break the larger group, where
 * a smaller one just fits. Found by trial between 0.5 and 1; measured in docs/benchmarks.md.
 */
const bend = 0.65;

/** By use: the same, bent. It is asked for again and again, and there are few uses. */
const bentUses: number[] = [];

function bent(use: number): number {
  for (let next = bentUses.length; next <= use; next++) bentUses.push((next / useOfDevice) ** bend);
  return bentUses[use] ?? 0;
}

/** How much of the node's RAM and CPU would stay free, as parts of what it has. */
function leftoverOn(room: Room, shape: Shape, node: number): number {
  const total = room.nodes[node]?.total ?? shape;
  const ram = ((room.now.ram[node] ?? 0) - shape.ram) / Math.max(1, total.ram);
  const cpu = ((room.now.cpu[node] ?? 0) - shape.cpu) / Math.max(1, total.cpu);
  return ram + cpu;
}

/** The devices that one replica gets on a node that has room for it. */
function bestDevices(room: Room, shape: Shape, node: number, asker: Asker): readonly number[] {
  if (shape.gpu === 0) return [];
  if (shape.wholeDevices === 0) return [bestShare(room, shape, node, asker)];
  const classes = room.deviceClasses(node, shape, asker);
  if (classes.length === 1) return classes[0]?.slice(0, shape.wholeDevices) ?? [];
  // The models with the fewest idle devices first: the larger groups of one model stay whole.
  return classes
    .toSorted((a, b) => a.length - b.length || (a[0] ?? 0) - (b[0] ?? 0))
    .flat()
    .slice(0, shape.wholeDevices);
}

/**
 * The device whose use suffers least, of equals the fullest; -1 where none has the share. Devices equally free are alike, so
 * each amount is tried once.
 */
function bestShare(room: Room, shape: Shape, node: number, asker: Asker): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  let tried = -1;
  const suitable = room.suitable(shape).devices;
  const end = room.firstDevice[node + 1] ?? 0;
  for (let device = room.firstDevice[node] ?? 0; device < end; device++) {
    const free = room.now.device[device] ?? 0;
    if (free === tried || suitable[device] === 0 || room.freeOfDevice(node, device, asker) < shape.gpu) continue;
    tried = free;
    const use = room.useWithout(node, shape, device);
    const isFuller = best !== -1 && use === most && free < (room.now.device[best] ?? 0);
    if (use <= most && !isFuller) continue;
    best = device;
    most = use;
  }
  return best;
}
