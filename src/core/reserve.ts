/**
 * Reservations: against starving. Two different things can keep a deployment waiting, and each has its own cure.
 *
 * - Others are more important. That is what priorities are for; aging (order.ts) bounds it.
 * - Others are smaller: they slip through gaps that are too small for it, for as long as there are any. That is what
 *   reservations are for.
 *
 * In each pass the *overdue* one comes first: of those that have waited for longer than `reservationAfter`, the one that has
 * waited longest. If it fits now it is placed before anything else. If not it is the *holder*: room is kept for it until it
 * fits, against everybody, higher priorities included.
 *
 * It is the longest waiting one and not the first in the order, because it must stay the same one until it starts: those whom
 * it holds back become overdue too, and if the more important of them could take its place, nothing large would ever start.
 *
 * Being overdue is no way around those who go before it and ask for no less: they do not pass it by being small, it is their
 * turn. So the first of them that fits, its *stand-in*, is placed before it. With equal requests that makes a reservation
 * change nothing about the order. It is one overdue deployment at a time, because every exception from priority is one too
 * many.
 *
 * With declared time limits, what is kept is kept as in EASY backfilling (Lifka, "The ANL/IBM SP Scheduling System", JSSPP
 * 1995; Mu'alem and Feitelson, IEEE TPDS 12(6), 2001): the holder's earliest start is when enough of what runs must have
 * ended; before it, anything may run that will have ended by then, or takes only what the holder leaves at that time. Without
 * them, nobody can say when; then the holder's room is kept on the nodes where it comes nearest to fitting, and everybody else
 * may take only what exceeds it. What is kept there can only grow, so those nodes stay the nearest, pass after pass.
 */
import {
  type Holding,
  type Node,
  type QueuedDeployment,
  type Reservation,
  type Resources,
  wholeDevice,
} from './model.ts';
import { compareByAge, type OrderedQueue, waited } from './order.ts';
import { placeOne, type Spots } from './place.ts';
import { add, nothing, times } from './resources.ts';
import { type Amounts, type Asker, Room } from './room.ts';
import { asksNoLess, type Shape } from './shape.ts';

/** Room kept for one deployment. */
export interface Hold {
  readonly position: number;
  readonly reservation: Reservation;
}

/** Whether a deployment would still run when the holder is to start. Nobody knows better than by declared limits. */
export function askerOf(deployment: QueuedDeployment, hold: Hold | null, now: number): Asker {
  if (hold === null) return 'free';
  const { startsAt } = hold.reservation;
  if (startsAt === null || deployment.timeLimit === null) return 'restrained';
  return now + deployment.timeLimit <= startsAt ? 'free' : 'restrained';
}

/**
 * The position of the overdue one: of those that have waited for longer than `reservationAfter`, the one that has waited
 * longest. Null where there is none. `canEver` says whether a shape fits the schedulable nodes when they are empty: for what
 * does not, nothing is kept.
 */
export function findOverdue(
  queue: OrderedQueue,
  canEver: (shape: Shape) => boolean,
  reservationAfter: number,
  now: number,
): number | null {
  let overdue: number | null = null;
  for (let position = 0; position < queue.deployments.length; position++) {
    const deployment = queue.deployments[position] as QueuedDeployment;
    if (waited(deployment, now) <= reservationAfter) continue;
    const longest = overdue === null ? null : (queue.deployments[overdue] as QueuedDeployment);
    if (longest !== null && compareByAge(longest, deployment) <= 0) continue;
    if (canEver(queue.shapes[position] as Shape)) overdue = position;
  }
  return overdue;
}

/** The first before the overdue one that asks for no less and fits now; null where there is none. */
export function findStandIn(queue: OrderedQueue, overdue: number, fitsNow: (shape: Shape) => boolean): number | null {
  const least = queue.shapes[overdue] as Shape;
  const refused = new Set<Shape>();
  for (let position = 0; position < overdue; position++) {
    const shape = queue.shapes[position] as Shape;
    if (refused.has(shape)) continue;
    if (asksNoLess(shape, least) && fitsNow(shape)) return position;
    refused.add(shape);
  }
  return null;
}

/** Keeps room for a deployment that does not fit now. */
export function holdFor(
  room: Room,
  deployment: QueuedDeployment,
  position: number,
  shape: Shape,
  holdings: readonly Holding[],
  now: number,
): Hold {
  const start = earliestStart(room, shape, holdings, now);
  const beside = start === null ? besideNearest(room, shape) : besideAt(room, shape, start);
  room.keep(beside.amounts);
  return {
    position,
    reservation: {
      deploymentId: deployment.id,
      nodes: [...beside.kept]
        .toSorted(([a], [b]) => a - b)
        .map(([node, resources]) => ({ nodeId: room.nodes[node]?.id ?? '', resources })),
      startsAt: start?.at ?? null,
    },
  };
}

/** What others may take while room is kept, and what is kept on which node. */
interface Beside {
  readonly amounts: Amounts;
  readonly kept: ReadonlyMap<number, Resources>;
}

/** When the holder can start for sure, where, and what is left then. */
interface Start {
  readonly at: number;
  readonly spots: Spots;
  readonly left: Room;
}

/** Null where declared time limits do not free enough. */
function earliestStart(room: Room, shape: Shape, holdings: readonly Holding[], now: number): Start | null {
  const numbers = new Map(room.nodes.map((node, n) => [node.id, n]));
  const ending = holdings
    .filter((holding) => holding.endsBy !== null && numbers.has(holding.nodeId))
    // What should have ended already is about to.
    .map((holding) => ({ holding, at: Math.max(now, holding.endsBy ?? now), node: numbers.get(holding.nodeId) ?? 0 }))
    .toSorted((a, b) => a.at - b.at);
  const roomAt = (time: number): Room => {
    const later = room.copy();
    for (const end of ending) if (end.at <= time) free(later, end.node, end.holding);
    return later;
  };
  // Room only grows with time, so the first moment at which it is enough is found by halving.
  const moments = [...new Set(ending.map((end) => end.at))];
  let [tooEarly, enough] = [-1, moments.length];
  while (enough - tooEarly > 1) {
    const middle = (tooEarly + enough) >> 1;
    if (roomAt(moments[middle] ?? now).holds(shape, 'free')) enough = middle;
    else tooEarly = middle;
  }
  const time = moments[enough];
  if (time === undefined) return null;
  const left = roomAt(time);
  const spots = placeOne(left, shape, 'free');
  return spots === null ? null : { at: time, spots, left };
}

function free(room: Room, node: number, holding: Holding): void {
  const { ram, cpu, device } = room.now;
  ram[node] = (ram[node] ?? 0) + holding.resources.ram;
  cpu[node] = (cpu[node] ?? 0) + holding.resources.cpu;
  for (const share of holding.devices) {
    const number = room.devicesOf(node).find((one) => room.indexOf(one) === share.index);
    if (number !== undefined) device[number] = (device[number] ?? 0) + share.amount;
  }
}

/** On the nodes where the holder will start, others may take what will be left then; elsewhere whatever they like. */
function besideAt(room: Room, shape: Shape, start: Start): Beside {
  const amounts = room.unlimited();
  const kept = new Map<number, Resources>();
  for (const { node } of start.spots) {
    kept.set(node, add(kept.get(node) ?? nothing, shape.request.perReplica));
    amounts.ram[node] = start.left.now.ram[node] ?? 0;
    amounts.cpu[node] = start.left.now.cpu[node] ?? 0;
    for (const device of room.devicesOf(node)) amounts.device[device] = start.left.now.device[device] ?? 0;
  }
  return { amounts, kept };
}

/** On the nodes where the holder comes nearest to fitting, others may take what is free beyond its need. */
function besideNearest(room: Room, shape: Shape): Beside {
  const amounts = room.unlimited();
  const kept = new Map<number, Resources>();
  nearestNodes(room, shape).forEach((replicas, node) => {
    if (replicas === 0) return;
    kept.set(node, times(shape.request.perReplica, replicas));
    // Of what the holder does not need, nothing is kept.
    if (shape.ram > 0) amounts.ram[node] = Math.max(0, (room.now.ram[node] ?? 0) - replicas * shape.ram);
    if (shape.cpu > 0) amounts.cpu[node] = Math.max(0, (room.now.cpu[node] ?? 0) - replicas * shape.cpu);
    for (const [device, amount] of devicesFor(room, shape, node, replicas)) {
      amounts.device[device] = Math.max(0, (room.now.device[device] ?? 0) - amount);
    }
  });
  return { amounts, kept };
}

/** How many of the holder's replicas each node is to take: as many as fit now, and the others where least is missing. */
function nearestNodes(room: Room, shape: Shape): number[] {
  const empty = new Room(room.nodes, 'emptied');
  const most = room.nodes.map((_, node) => empty.capacityOn(node, shape, 'free', shape.replicas));
  const replicas = room.nodes.map((_, node) => room.capacityOn(node, shape, 'free', shape.replicas));
  const lackOfNext = (node: number): number => {
    const next = (replicas[node] ?? 0) + 1;
    return next > (most[node] ?? 0) ? Number.POSITIVE_INFINITY : lack(room, shape, node, next);
  };
  const lacks = room.nodes.map((_, node) => lackOfNext(node));
  for (let missing = shape.replicas - replicas.reduce((a, b) => a + b, 0); missing > 0; missing--) {
    const nearest = lacks.indexOf(Math.min(...lacks));
    replicas[nearest] = (replicas[nearest] ?? 0) + 1;
    lacks[nearest] = lackOfNext(nearest);
  }
  return replicas;
}

/** What the node lacks for so many replicas: in each dimension as a part of what it has, added up. */
function lack(room: Room, shape: Shape, node: number, replicas: number): number {
  const { total } = room.nodes[node] as Node;
  const ram = Math.max(0, replicas * shape.ram - (room.now.ram[node] ?? 0)) / Math.max(1, total.ram);
  const cpu = Math.max(0, replicas * shape.cpu - (room.now.cpu[node] ?? 0)) / Math.max(1, total.cpu);
  let gpu = 0;
  for (const [device, amount] of devicesFor(room, shape, node, replicas)) {
    gpu += Math.max(0, amount - (room.now.device[device] ?? 0)) / Math.max(1, total.gpu);
  }
  return ram + cpu + gpu;
}

/** Which devices of the node so many replicas are to have, and how much of each: those that are nearest to being free. */
function devicesFor(room: Room, shape: Shape, node: number, replicas: number): ReadonlyMap<number, number> {
  const kept = new Map<number, number>();
  if (shape.gpu === 0) return kept;
  const amount = Math.min(shape.gpu, wholeDevice);
  const suitable = room.devicesOf(node).filter((device) => room.suits(device, shape));
  const freeBeside = (device: number) => (room.now.device[device] ?? 0) - (kept.get(device) ?? 0);
  for (let i = 0; i < replicas * Math.max(1, shape.wholeDevices); i++) {
    const possible = suitable.filter((device) => (kept.get(device) ?? 0) + amount <= wholeDevice);
    const [nearest] = possible.toSorted((a, b) => freeBeside(b) - freeBeside(a) || a - b);
    if (nearest === undefined) break;
    kept.set(nearest, (kept.get(nearest) ?? 0) + amount);
  }
  return kept;
}
