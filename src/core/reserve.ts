/**
 * Reservations: against starving. Two different things can keep a deployment waiting, and each has its own cure.
 *
 * - Others are more important. That is what priorities are for; aging (order.ts) bounds it.
 * - Others are smaller: they slip through gaps that are too small for it, for as long as there are any, whatever its
 *   priority. That is what reservations are for.
 *
 * So: a deployment is *overdue* once it has waited for longer than `reservationAfter`, and *slipped past* if nobody who goes
 * before it in the order asks for at least as much (whoever does could not slip through a gap, it is simply their turn). In
 * each pass, the one that has waited longest of those overdue and slipped past comes first. If it fits now it is placed before
 * anything else. If not it is the *holder*: room is kept for it, against everybody, higher priorities included, until it fits.
 *
 * It is the longest waiting one and not the first in the order, because it must stay the same one until it starts: those
 * whom it holds back become overdue too, and if they could take its place, nothing large would ever start. It is one at a
 * time, because every exception from priority is one too many.
 *
 * With declared time limits, what is kept is kept as in EASY backfilling (Lifka, "The ANL/IBM SP Scheduling System", JSSPP
 * 1995; Mu'alem and Feitelson, IEEE TPDS 12(6), 2001): the holder's earliest start is when enough of what runs must have
 * ended; before it, anything may run that will have ended by then, or takes only what the holder leaves at that time. Without
 * them, nobody can say when; then the holder's room is kept on the nodes where it comes nearest to fitting, and everybody else
 * may take only what exceeds it. What is kept there can only grow, so those nodes stay the nearest, pass after pass.
 */
import { type Holding, type QueuedDeployment, type Reservation, type Resources, wholeDevice } from './model.ts';
import { add, nothing } from './resources.ts';
import { type OrderedQueue, waited } from './order.ts';
import { placeOne, type Spots } from './place.ts';
import { type Amounts, type Asker, Room, type Spot } from './room.ts';
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
 * The position of the deployment that comes first in this pass: of those overdue and slipped past, the one that has waited
 * longest. Null where there is none. `canEver` says whether a shape fits the schedulable nodes when they are empty: for what
 * does not, nothing is kept, and nobody waits behind it.
 */
export function firstOverdue(
  queue: OrderedQueue,
  shapes: readonly Shape[],
  canEver: (shape: Shape) => boolean,
  reservationAfter: number,
  now: number,
): number | null {
  const isOverdue = (deployment: QueuedDeployment) => waited(deployment, now) > reservationAfter;
  if (!queue.deployments.some(isOverdue)) return null;
  // Of the shapes before the present one, those that no other of them asks for no less than.
  let largest: Shape[] = [];
  const seen = new Set<Shape>();
  let first: number | null = null;
  for (let position = 0; position < shapes.length; position++) {
    const shape = shapes[position] as Shape;
    // Everything that follows of a shape has it before itself.
    if (seen.has(shape)) continue;
    seen.add(shape);
    if (largest.some((before) => asksNoLess(before, shape)) || !canEver(shape)) continue;
    largest = [...largest.filter((before) => !asksNoLess(shape, before)), shape];
    if (isOverdue(queue.deployments[position] as QueuedDeployment) && isOlder(queue, position, first)) first = position;
  }
  return first;
}

function isOlder(queue: OrderedQueue, position: number, than: number | null): boolean {
  if (than === null) return true;
  return (queue.deployments[position]?.queuedAt ?? 0) < (queue.deployments[than]?.queuedAt ?? 0);
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
  const beside = start === null ? besideNearest(room, shape) : besideAt(room, start);
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
  const numbers = new Map(room.nodes.map((node, number) => [node.id, number]));
  const ending = holdings
    .filter((holding) => holding.endsBy !== null && numbers.has(holding.nodeId))
    // What should have ended already is about to.
    .map((holding) => ({ holding, at: Math.max(now, holding.endsBy ?? now), node: numbers.get(holding.nodeId) ?? 0 }))
    .toSorted((a, b) => a.at - b.at);
  const at = (time: number): Room => {
    const later = room.copy();
    for (const end of ending) if (end.at <= time) free(later, end.node, end.holding);
    return later;
  };
  // Room only grows with time, so the first moment at which it is enough is found by halving.
  const times = [...new Set(ending.map((end) => end.at))];
  let [tooEarly, enough] = [-1, times.length];
  while (enough - tooEarly > 1) {
    const middle = (tooEarly + enough) >> 1;
    if (at(times[middle] ?? now).holds(shape, 'free')) enough = middle;
    else tooEarly = middle;
  }
  const time = times[enough];
  if (time === undefined) return null;
  const left = at(time);
  const spots = placeOne(left, shape, 'free');
  return spots === null ? null : { at: time, spots, left };
}

function free(room: Room, node: number, holding: Holding): void {
  const { ram, cpu, device } = room.now;
  ram[node] = (ram[node] ?? 0) + holding.resources.ram;
  cpu[node] = (cpu[node] ?? 0) + holding.resources.cpu;
  for (const share of holding.devices) {
    const number = room.deviceNumber(node, share.index);
    if (number !== null) device[number] = (device[number] ?? 0) + share.amount;
  }
}

/** On the nodes where the holder will start, others may take what will be left then; elsewhere whatever they like. */
function besideAt(room: Room, start: Start): Beside {
  const amounts = room.unlimited();
  const kept = new Map<number, Resources>();
  for (const spot of start.spots) {
    kept.set(spot.node, add(kept.get(spot.node) ?? nothing, { ram: 0, cpu: 0, gpu: 0 }));
    copyNode(room, spot.node, start.left.now, amounts);
  }
  return { amounts, kept };
}
