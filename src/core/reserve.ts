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
import { earliestStart } from './earliest.ts';
import type { QueuedDeployment, Reservation } from './model.ts';
import { keepNearest } from './nearest.ts';
import { compareByAge, compareInOrder } from './order.ts';
import type { Pass } from './pass.ts';
import type { Line } from './queue.ts';
import { times } from './resources.ts';
import type { Asker, Limit } from './room.ts';
import { asksNoLess, type Shape } from './shape.ts';

/** Room kept for one deployment. */
export interface Hold {
  readonly deployment: QueuedDeployment;
  readonly shape: Shape;
  readonly reservation: Reservation;
  /** By node: what is left to those who would still run when the holder is to start. */
  readonly limits: ReadonlyMap<number, Limit>;
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
  const youngest = now - Math.max(0, policy.reservationAfter);
  let overdue: QueuedDeployment | null = null;
  let shape: Shape | null = null;
  for (const line of state.queue.lines) {
    const deployment = headOf(line, pass);
    // Compared as they are: this is asked for every line in every pass.
    if (deployment === undefined || deployment.queuedAt >= youngest) continue;
    if (overdue !== null && (overdue.queuedAt < deployment.queuedAt || compareByAge(overdue, deployment) <= 0))
      continue;
    if (!state.best.holds(line.shape, 'free')) continue;
    overdue = deployment;
    shape = line.shape;
  }
  return overdue === null || shape === null ? null : { deployment: overdue, shape };
}

/** The first before the overdue one that asks for no less and fits now; null where there is none. */
export function findStandIn(pass: Pass, overdue: Head): Head | null {
  const { state, policy, now } = pass;
  let first = overdue;
  for (const line of state.queue.lines) {
    const { shape } = line;
    if (!asksNoLess(shape, overdue.shape) || !pass.fitsNow(shape, 'free')) continue;
    const deployment = headOf(line, pass);
    if (deployment === undefined || compareInOrder(deployment, first.deployment, policy, now) >= 0) continue;
    first = { deployment, shape };
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
  const { room } = pass;
  const start = earliestStart(pass, shape);
  const kept = start === null ? keepNearest(pass.state, shape) : start.kept;
  const nodes = [...kept.keys()].toSorted((a, b) => a - b);
  return {
    deployment,
    shape,
    limits: new Map(nodes.map((node) => [node, kept.get(node)?.limit as Limit])),
    reservation: {
      deploymentId: deployment.id,
      nodes: nodes.map((node) => ({
        nodeId: room.nodes[node]?.id ?? '',
        resources: times(shape.request.perReplica, kept.get(node)?.replicas ?? 0),
      })),
      startsAt: start?.at ?? null,
    },
  };
}
