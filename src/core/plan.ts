/** One pass of the scheduler over one cluster: a snapshot in, a plan out. The only way into the core's decisions. */
import { admitLargest } from './admit.ts';
import { decide } from './decide.ts';
import { levelOf } from './level.ts';
import type { Decision, Holding, Placement, Plan, Policy, Quality, Snapshot } from './model.ts';
import { Budget } from './pack.ts';
import { Pass } from './pass.ts';
import { placeOne } from './place.ts';
import { findOverdue, findStandIn, holdFor, roomAtBest } from './reserve.ts';
import { fits } from './resources.ts';

/**
 * Steps that exact search may take in one pass; ten steps take about a microsecond. Of 12,000 random levels of 14 distinct
 * deployments on 1 to 4 nodes, made to be hard (two dimensions, all about as large), 99 in 100 took less than 100,000 steps,
 * and the hardest 1.4 million. Small enough that a queue made to be hard cannot hold up a pass for long.
 */
const searchSteps = 2_000_000;

/**
 * Decides who of the queue starts now and where, who waits and why.
 *
 * Levels of effective priority are served strictly one after the other, each with a set that nobody of it could be added to.
 * So nobody is admitted while someone of a better level stays out who would fit in its place. The one exception is whoever
 * has waited too long (reserve.ts).
 */
export function plan(snapshot: Snapshot, policy: Policy, now: number): Plan {
  // 1. Put the queue in order; see what is free.
  const pass = new Pass(snapshot, policy, now);
  // 2. Whoever has waited too long goes first, or has room kept for it.
  serveOverdue(pass, snapshot.holdings);
  // 3. Level by level, admit the largest set; lower levels use what the higher ones cannot.
  admitLevels(pass);
  // 4. Tell everybody where it stands, or why it waits.
  const decisions = decide(pass, snapshot.nodes);
  // 5. Check the answer with the predicate that the commit uses.
  verify(snapshot, decisions);
  const reservations = pass.hold === null ? [] : [pass.hold.reservation];
  return { decisions, reservations, quality: qualityOf(pass) };
}

function serveOverdue(pass: Pass, holdings: readonly Holding[]): void {
  const { queue, room, policy, now } = pass;
  const best = roomAtBest(room.nodes, holdings);
  const overdue = findOverdue(queue, (shape) => best.holds(shape, 'free'), policy.reservationAfter, now);
  if (overdue === null) return;
  const standIn = findStandIn(queue, overdue, (shape) => pass.fitsNow(shape, 'free'));
  if (standIn !== null) placeOutOfTurn(pass, standIn);
  if (placeOutOfTurn(pass, overdue) || pass.left <= 0) return;
  pass.hold = holdFor(room, best, queue, overdue, holdings, now);
}

function placeOutOfTurn(pass: Pass, position: number): boolean {
  const shape = pass.queue.shapes[position];
  if (shape === undefined || pass.left <= 0) return false;
  const spots = placeOne(pass.room, shape, 'free');
  if (spots === null) return false;
  pass.admit(position, spots);
  pass.outOfTurn.add(position);
  return true;
}

function admitLevels(pass: Pass): void {
  const { deployments } = pass.queue;
  const budget = new Budget(searchSteps);
  for (let first = 0; first < deployments.length && pass.left > 0; ) {
    const level = levelOf(pass, first);
    const { choice, bound } = admitLargest(pass.room, level, pass.left, budget);
    pass.bound += bound;
    choice.forEach((chosen, i) => {
      const members = level.candidates[i]?.members ?? [];
      chosen.forEach((spots, oldest) => pass.admit(members[oldest] ?? -1, spots));
    });
    first = level.end;
  }
}

function qualityOf({ admitted, bound, outOfTurn }: Pass): Quality {
  const best = bound + outOfTurn.size;
  return { admitted, bound: best, proven: admitted === best };
}

function verify(snapshot: Snapshot, decisions: readonly Decision[]): void {
  const byNode = new Map<string, Placement[]>();
  for (const decision of decisions) {
    if (decision.kind === 'wait') continue;
    for (const placement of decision.placements) {
      const others = byNode.get(placement.nodeId);
      if (others === undefined) byNode.set(placement.nodeId, [placement]);
      else others.push(placement);
    }
  }
  for (const node of snapshot.nodes) {
    const placements = byNode.get(node.id) ?? [];
    // Never happens. If it ever did, a pass that fails and says so is better than a node that is promised twice.
    if (!fits(node, placements)) throw new Error(`the plan asks more of node ${node.name} than it has free`);
  }
}
