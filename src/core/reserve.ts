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
 * may take only what exceeds it. What is free there can only grow, and with it how near it comes, until it fits.
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
 * longest. Null where there is none. `canStart` says whether a shape would fit if all had ended that ever ends by itself: for
 * what would not, nothing is kept.
 */
export function findOverdue(
  queue: OrderedQueue,
  canStart: (shape: Shape) => boolean,
  reservationAfter: number,
  now: number,
): number | null {
  const refused = new Set<Shape>();
  let overdue: number | null = null;
  for (let position = 0; position < queue.deployments.length; position++) {
    const deployment = queue.deployments[position] as QueuedDeployment;
    if (waited(deployment, now) <= reservationAfter) continue;
    const longest = overdue === null ? null : (queue.deployments[overdue] as QueuedDeployment);
    if (longest !== null && compareByAge(longest, deployment) <= 0) continue;
    const shape = queue.shapes[position] as Shape;
    if (refused.has(shape)) continue;
    if (canStart(shape)) overdue = position;
    else refused.add(shape);
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

/**
 * What the nodes will have when all has ended that ever ends by itself. Services do not: to keep room in the hope that one of
 * them goes would keep it for ever.
 */
export function roomAtBest(nodes: readonly Node[], holdings: readonly Holding[]): Room {
  const best = new Room(nodes, 'emptied');
  const numbers = new Map(best.nodes.map((node, n) => [node.id, n]));
  for (const holding of holdings) {
    const node = numbers.get(holding.nodeId);
    if (holding.isService === true && node !== undefined) change(best, node, holding, -1);
  }
  return best;
}

/** Keeps room for a deployment that does not fit now, and has room in `best`. */
export function holdFor(
  room: Room,
  best: Room,
  queue: OrderedQueue,
  position: number,
  holdings: readonly Holding[],
  now: number,
): Hold {
  const shape = queue.shapes[position] as Shape;
  const start = earliestStart(room, shape, holdings, now);
  const beside = start === null ? besideNearest(room, best, shape) : besideAt(room, shape, start);
  room.keep(beside.amounts);
  return {
    position,
    reservation: {
      deploymentId: queue.deployments[position]?.id ?? '',
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
    for (const end of ending) if (end.at <= time) change(later, end.node, end.holding, 1);
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

/** Frees what a holding has, or takes it. */
function change(room: Room, node: number, holding: Holding, sign: 1 | -1): void {
  const { ram, cpu, device } = room.now;
  ram[node] = (ram[node] ?? 0) + sign * holding.resources.ram;
  cpu[node] = (cpu[node] ?? 0) + sign * holding.resources.cpu;
  const devices = room.devicesOf(node);
  for (const share of holding.devices) {
    const number = devices.find((one) => room.indexOf(one) === share.index);
    if (number !== undefined) device[number] = (device[number] ?? 0) + sign * share.amount;
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
function besideNearest(room: Room, best: Room, shape: Shape): Beside {
  const amounts = room.unlimited();
  const kept = new Map<number, Resources>();
  nearestNodes(room, best, shape).forEach((replicas, node) => {
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
function nearestNodes(room: Room, best: Room, shape: Shape): number[] {
  const most = room.nodes.map((_, node) => best.capacityOn(node, shape, 'free', shape.replicas));
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
  return Math.ceil(8 * (ram + cpu + gpu));
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
