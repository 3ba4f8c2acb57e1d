/** One pass of the scheduler over one cluster: a snapshot in, a plan out. The only way into the core's decisions. */
import { admitLargest } from './admit.ts';
import { type Asked, Bound } from './bound.ts';
import type { Candidates, Choice } from './choice.ts';
import { decide } from './decide.ts';
import { demandOf } from './demand.ts';
import { type Hint, Hinted } from './hint.ts';
import { compareIds } from './ids.ts';
import { Improver } from './improve.ts';
import { levelsOf, type RankedLevel } from './level.ts';
import type { Node, Placement, Plan, Policy, QueuedDeployment, Snapshot } from './model.ts';
import { Budget } from './pack.ts';
import { Pass, type Placed } from './pass.ts';
import { placeOne } from './place.ts';
import { isMore, qualityOf, withOptima } from './quality.ts';
import { findOverdue, findStandIn, type Head, holdFor } from './reserve.ts';
import { fits, freed } from './resources.ts';
import { admitShortest } from './shortest.ts';
import { ClusterState } from './state.ts';
import { closesAt, lastsOf, staysOpen } from './windows.ts';

/**
 * Steps that exact search may take in one pass; ten steps take about a microsecond. Of 12,000 random levels of 14 distinct
 * deployments on 1 to 4 nodes, made to be hard (two dimensions, all about as large), 99 in 100 took less than 100,000 steps,
 * and the hardest 1.4 million. Small enough that a queue made to be hard cannot hold up a pass for long.
 */
const searchSteps = 100_000;

/**
 * Decides who of the queue starts now and where, who waits and why.
 *
 * Levels of effective priority are served strictly one after the other, each with a set that nobody of it could be added to.
 * So nobody is admitted while someone of a better level stays out who would fit in its place. The one exception is whoever
 * has waited too long (reserve.ts).
 */
export function plan(snapshot: Snapshot, policy: Policy, now: number): Plan {
  return planOf(runPass(new ClusterState(snapshot), policy, now));
}

/**
 * The better of two plans for a snapshot: its own, or what comes of the hint of an exact solver, improved and put into order by the same
 * steps. The best level in which they differ decides, and between equals it is its own. What the hint proves is said of either.
 */
export function planWith(hint: Hint, own: Plan, snapshot: Snapshot, policy: Policy, now: number): Plan {
  const pass = new Pass(new ClusterState(snapshot), policy, now);
  const demand = demandOf(pass);
  const hinted = demand === null ? null : Hinted.of(pass, demand, hint);
  if (hinted === null) return own;
  const proven = withOptima(own.quality, hinted.optima);
  // To admit more than the optimum: then it is none, whoever said so.
  if (proven === null) return own;
  admitLevels(pass, hinted);
  verify(pass);
  const quality = qualityOf(pass);
  return isMore(quality, own.quality) ? planOf(pass) : { ...own, quality: proven };
}

function planOf(pass: Pass): Plan {
  const reservations = pass.hold === null ? [] : [pass.hold.reservation];
  return { decisions: decide(pass), reservations, quality: qualityOf(pass) };
}

/** One pass over a state. What it placed is taken from the room: `undo` gives it back. */
export function runPass(state: ClusterState, policy: Policy, now: number): Pass {
  const pass = new Pass(state, policy, now);
  // 1. What is kept for those for whom others were stopped is theirs.
  serveClaims(pass);
  // 2. Whoever has waited too long goes first, or has room kept for it.
  serveOverdue(pass);
  // 3. Level by level, admit the largest set; lower levels use what the higher ones cannot.
  admitLevels(pass);
  // 4. Check the answer with the predicate that the commit uses.
  verify(pass);
  return pass;
}

function serveClaims(pass: Pass): void {
  const { state } = pass;
  for (const claim of [...state.claims.values()].toSorted((a, b) => compareIds(a.deploymentId, b.deploymentId))) {
    pass.serveClaim(claim);
  }
}

function serveOverdue(pass: Pass): void {
  const overdue = findOverdue(pass);
  if (overdue === null) return;
  const standIn = findStandIn(pass, overdue);
  if (standIn !== null) placeOutOfTurn(pass, standIn);
  if (placeOutOfTurn(pass, overdue) || pass.left <= 0) return;
  pass.keepFor(holdFor(pass, overdue));
}

function placeOutOfTurn(pass: Pass, { deployment, shape }: Head): boolean {
  if (pass.left <= 0) return false;
  const spots = placeOne(pass.room, shape, 'free');
  if (spots === null) return false;
  pass.admit({ deployment, shape, asker: 'free', spots, outOfTurn: true });
  return true;
}

function admitLevels(pass: Pass, hinted: Hinted | null = null): void {
  const search = new Budget(searchSteps);
  const improver = Improver.for(pass);
  const bound = new Bound(pass.room.free(), pass.left);
  const served: Served[] = [];
  const giveUp = (asked: readonly Asked[]) => bound.add(asked, [], false);
  for (const level of levelsOf(pass, { isCrowdedNamed: improver !== null, giveUp })) {
    const chosen = hinted?.serve(pass, level) ?? null;
    if (improver !== null && chosen !== null) {
      improver.take(level, chosen);
      served.push({ level, isMost: false, chosen });
    } else {
      const one = serveLevel(pass, level, search);
      improver?.improve(level, one.chosen);
      if (improver === null) settle(pass, bound, one);
      else served.push(one);
    }
    if (pass.left <= 0) break;
  }
  improver?.finish(search);
  const optima = hinted?.optima ?? [];
  let isOptimum = true;
  for (const [l, one] of served.entries()) {
    const chosen = improver?.admittedOf(l) ?? [];
    isOptimum &&= chosen.length === optima[l];
    settle(pass, bound, { ...one, chosen }, isOptimum);
  }
  pass.levels = bound.levels;
}

/** A level, who was chosen of it, and whether no choice could have had more, with everybody before where they stood. */
interface Served<Chosen = Pick<Placed, 'deployment' | 'shape'>> {
  readonly level: RankedLevel;
  readonly isMost: boolean;
  readonly chosen: readonly Chosen[];
}

function settle(pass: Pass, bound: Bound, { level, isMost, chosen }: Served, isOptimum = false): void {
  pass.settleLevel(
    level.effective,
    level.candidates,
    chosen.map(({ deployment }) => deployment),
  );
  bound.add(
    level.asked,
    chosen.map(({ shape }) => shape),
    isMost,
    isOptimum,
  );
}

function serveLevel(pass: Pass, level: RankedLevel, search: Budget): Served<Placed> {
  const { choice, bound, ranks } =
    pass.policy.backfill === 'learned'
      ? admitShortest(pass, level)
      : {
          ...admitLargest(pass.room, level, pass.left, search),
          ranks: level.candidates.map(({ members }) => members),
        };
  const chosen = placedOf(level, choice, ranks);
  for (const placed of chosen) pass.admit(placed);
  return { level, isMost: chosen.length === bound, chosen };
}

/** `ranks` are, for each of the candidates, those of the chosen, in their order. */
function placedOf(level: RankedLevel, choice: Choice, ranks: readonly (readonly number[])[]): Placed[] {
  return choice.flatMap((chosen, number) => {
    const { shape, asker } = level.candidates[number] as Candidates;
    return chosen.map((spots, i) => {
      const deployment = level.deployments[ranks[number]?.[i] ?? -1] as QueuedDeployment;
      return { deployment, shape, asker, spots, outOfTurn: false };
    });
  });
}

/**
 * Checks what was placed with the predicate that the commit uses, on the nodes as they were. Never fails: if it ever did, a
 * pass that fails and says so is better than a node that is promised twice.
 */
function verify(pass: Pass): void {
  const byNode = new Map<number, Placement[]>();
  for (const { shape, spots } of pass.placed.values()) {
    spots.forEach((spot, replica) => {
      const placement = pass.room.placement(shape, spot, replica);
      const others = byNode.get(spot.node);
      if (others === undefined) byNode.set(spot.node, [placement]);
      else others.push(placement);
    });
  }
  for (const { deployment, spots } of pass.placed.values()) {
    for (const { node: number } of spots) {
      const { name, windows } = pass.room.nodes[number] as Node;
      if (!staysOpen(closesAt(windows, pass.now), pass.now, lastsOf(deployment)))
        throw new Error(`the plan places ${deployment.id} on ${name}, which closes before it must have ended`);
    }
  }
  pass.giveClaims();
  for (const [number, placements] of byNode) {
    const takenPorts = pass.room.ports.takenOn(number);
    const node = freed({ ...pass.state.nodeAt(number), takenPorts }, placements);
    if (!fits(node, placements)) throw new Error(`the plan asks more of node ${node.name} than it has free`);
  }
  pass.takeClaims();
}
