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
import { compareByAge, compareInOrder, waited } from './order.ts';
import type { Pass } from './pass.ts';
import { placeOne, type Spots } from './place.ts';
import type { Line } from './queue.ts';
import { add, nothing, times } from './resources.ts';
import { type Amounts, type Asker, Room } from './room.ts';
import { asksNoLess, type Shape } from './shape.ts';

/** Room kept for one deployment. */
export interface Hold {
  readonly deployment: QueuedDeployment;
  readonly shape: Shape;
  readonly reservation: Reservation;
  readonly beside: Beside;
}

/** The first of a line that may be placed before its turn. */
export interface Head {
  readonly deployment: QueuedDeployment;
  readonly shape: Shape;
}

/** Whether a deployment would still run when the holder is to start. Nobody knows better than by declared limits. */
export function askerWith(timeLimit: number | null, hold: Hold | null, now: number): Asker {
  if (hold === null) return 'free';
  const { startsAt } = hold.reservation;
  if (startsAt === null || timeLimit === null) return 'restrained';
  return now + timeLimit <= startsAt ? 'free' : 'restrained';
}

/**
 * The overdue one: of those that have waited for longer than `reservationAfter`, the one that has waited longest; null where
 * there is none. What would not fit if all had ended that ever ends by itself is left out: for it nothing is kept.
 */
export function findOverdue(pass: Pass): Head | null {
  const { state, policy, now } = pass;
  let overdue: Head | null = null;
  for (const line of state.queue.lines) {
    const deployment = headOf(line, pass);
    if (deployment === undefined || waited(deployment, now) <= policy.reservationAfter) continue;
    if (overdue !== null && compareByAge(overdue.deployment, deployment) <= 0) continue;
    if (state.best.holds(line.shape, 'free')) overdue = { deployment, shape: line.shape };
  }
  return overdue;
}

/** The first before the overdue one that asks for no less and fits now; null where there is none. */
export function findStandIn(pass: Pass, overdue: Head): Head | null {
  const { state, policy, now } = pass;
  let first = overdue;
  for (const line of state.queue.lines) {
    const deployment = headOf(line, pass);
    if (deployment === undefined || compareInOrder(deployment, first.deployment, policy, now) >= 0) continue;
    const { shape } = line;
    if (asksNoLess(shape, overdue.shape) && pass.fitsNow(shape, 'free')) first = { deployment, shape };
  }
  return first === overdue ? null : first;
}

/** The oldest of a line that nothing is settled about. */
function headOf({ members }: Line, { settled }: Pass): QueuedDeployment | undefined {
  const head = members.first();
  if (head === undefined || !settled.has(head.id)) return head;
  return members.slice(0, settled.size + 1).find(({ id }) => !settled.has(id));
}

/** What is to be kept for a deployment that does not fit now, and would fit if all had ended that ever ends by itself. */
export function holdFor(pass: Pass, { deployment, shape }: Head): Hold {
  const { room, best, holdings } = pass.state;
  const start = earliestStart(room, shape, holdings, pass.now);
  const beside = start === null ? besideNearest(room, best, shape) : besideAt(room, shape, start);
  return {
    deployment,
    shape,
    beside,
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
export interface Beside {
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
  const ending = endsOf(room, holdings, now);
  const roomAt = (time: number): Room => {
    const later = new Room(room);
    for (const { at, node, holding } of ending) {
      if (at <= time) later.adjust(node, holding.resources, holding.devices, 1);
    }
    return later;
  };
  // Room only grows with time, so the first moment at which it is enough is found by halving.
  const moments = [...new Set(ending.map((end) => end.at))].toSorted((a, b) => a - b);
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

interface End {
  readonly at: number;
  readonly node: number;
  readonly holding: Holding;
}

function endsOf(room: Room, holdings: readonly Holding[], now: number): End[] {
  if (holdings.every(({ endsBy }) => endsBy === null)) return [];
  const numbers = new Map(room.nodes.map((node, n) => [node.id, n]));
  return holdings.flatMap((holding) => {
    const node = numbers.get(holding.nodeId);
    // What should have ended already is about to.
    return node === undefined || holding.endsBy === null ? [] : [{ holding, at: Math.max(now, holding.endsBy), node }];
  });
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
  const atMost = Math.min(shape.replicas, shape.maxPerNode);
  const most = room.nodes.map((_, node) => best.capacityOn(node, shape, 'free', atMost));
  const replicas = room.nodes.map((_, node) => room.capacityOn(node, shape, 'free', atMost));
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
