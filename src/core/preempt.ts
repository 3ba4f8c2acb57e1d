/**
 * Preemption: who runs is stopped for who is more important. Where a cluster's policy allows it, whoever a pass has to leave
 * waiting may have others stopped:
 *
 * - only those whose own priority is strictly worse than its own: age makes nobody a victim, and nobody stops another in turns;
 * - only those that have run for long enough, and are not being stopped already;
 * - only where it fits once they are gone: that is tried before anybody is stopped;
 * - the cheapest of all sets that would do (victims.ts).
 *
 * What it will get is its own from that moment on: its places, with what is free of them already, are taken from the room
 * before lower levels are served, and kept for it by a claim in the passes that follow, until the victims are gone.
 */
import { compareIds } from './ids.ts';
import type { Claim, Placement, PreemptionReceipt, QueuedDeployment } from './model.ts';
import { compareInOrder, effectivePriority } from './order.ts';
import { Budget } from './pack.ts';
import type { Pass } from './pass.ts';
import { placeOne, type Spots } from './place.ts';
import type { Line } from './queue.ts';
import { type Asker, Room } from './room.ts';
import { asksNoLess, type Shape } from './shape.ts';
import { type Candidate, cheapestVictims, compareCandidates, compareCosts, costOf, type Need } from './victims.ts';

/** Others are stopped for this one, and these places are its own. */
export interface Preemption {
  readonly deployment: QueuedDeployment;
  readonly placements: readonly Placement[];
  readonly receipt: PreemptionReceipt;
}

interface Taken {
  readonly shape: Shape;
  readonly asker: Asker;
  readonly spots: Spots;
}

/** Where the next of a line stands that nothing is known about yet. */
interface Cursor {
  readonly line: Line;
  next: number;
  /** Nobody of the line can have anybody stopped in this pass. */
  isDone: boolean;
}

interface Head {
  readonly cursor: Cursor;
  readonly deployment: QueuedDeployment;
}

/** The room without all that could be stopped, and the nodes on which that makes a difference. */
interface Most {
  readonly room: Room;
  readonly nodes: readonly number[];
}

/** So many preemptions in one pass: each costs a search, and the next pass follows soon. */
const preemptionsMax = 20;
/** Of the steps of a pass, one search takes at most this share: a hard one is not at the cost of those after it. */
const shareOfSearch = 1 / 8;
/** So many requests are remembered for which no room can be made. */
const hopelessMax = 64;
/** So many other sets a receipt tells of. */
const alternativesTold = 3;

/** The preemptions of one pass. */
export class Preemptions {
  /** By id, in the order in which they were decided. */
  readonly made = new Map<string, Preemption>();
  readonly #pass: Pass;
  readonly #budget: Budget;
  readonly #stepsOfSearch: number;
  /** Lines of which somebody might still have others stopped; made when first asked for. */
  #cursors: Cursor[] | null = null;
  #candidates: readonly Candidate[] = [];
  /** What comes free soon: held by those that are being stopped, for whatever reason. */
  readonly #leaving: Candidate['holds'][number][] = [];
  /** Who will fit when those have left, without stopping anybody. */
  readonly #expected: Taken[] = [];
  readonly #claimed: Taken[] = [];
  readonly #stopped = new Set<string>();
  /** By priority: the most room that those of it could get. */
  readonly #most = new Map<number, Most>();
  /** For whoever asks for no less, and is no more important, no room can be made either. */
  readonly #hopeless: { readonly shape: Shape; readonly priority: number }[] = [];

  constructor(pass: Pass, budget: Budget) {
    this.#pass = pass;
    this.#budget = budget;
    this.#stepsOfSearch = Math.ceil(budget.left * shareOfSearch);
  }

  /**
   * To be called before a level is served, and with infinity after the last one: decides about all of better effective
   * priority that were left waiting. True where room was taken for one of them.
   */
  serveBefore(effective: number): boolean {
    if (this.#pass.policy.preemption === undefined) return false;
    const before = this.made.size;
    this.#cursors ??= this.#begin(this.#pass.policy.preemption.minRunTime);
    if (this.#candidates.length === 0) return false;
    this.#lookAhead(1);
    while (this.#serveNext(effective));
    this.#lookAhead(-1);
    return this.made.size > before;
  }

  /** The places that were taken, as claims. */
  get claims(): Claim[] {
    return [...this.made.values()].map(({ deployment, placements }) => ({ deploymentId: deployment.id, placements }));
  }

  /** Gives back the room that was taken. */
  undo(): void {
    for (const taken of this.#claimed) change(this.#pass.room, taken, 'give');
  }

  /** Undoes `undo`. */
  redo(): void {
    for (const taken of this.#claimed) change(this.#pass.room, taken, 'take');
  }

  #begin(minRunTime: number): Cursor[] {
    const { state, now } = this.#pass;
    const candidates: Candidate[] = [];
    for (const deploymentId of new Set(state.holdings.map((holding) => holding.deploymentId))) {
      const holds = state
        .holdingsOf(deploymentId)
        .map((holding) => ({ node: state.numberOf(holding.nodeId), holding }));
      const candidate = candidateOf(deploymentId, holds, minRunTime, now);
      if (candidate !== null) candidates.push(candidate);
      this.#leaving.push(...holds.filter(({ node, holding }) => holding.isStopping === true && node !== -1));
    }
    this.#candidates = candidates.toSorted(compareCandidates);
    return Array.from(state.queue.lines, (line) => ({ line, next: 0, isDone: false }));
  }

  /** Sees the room as it will be when all have left that are being stopped, or sees it again as it is. */
  #lookAhead(sign: 1 | -1): void {
    const { room } = this.#pass;
    for (const { node, holding } of this.#leaving) room.adjust(node, holding, sign);
    for (const taken of this.#expected) change(room, taken, sign === 1 ? 'take' : 'give');
  }

  /** Decides about those that wait, in order, up to the first that gets room; false where nobody does. */
  #serveNext(effective: number): boolean {
    for (const { cursor, deployment } of this.#headsBefore(effective)) {
      if (this.#budget.isSpent || this.made.size >= preemptionsMax) break;
      if (this.#expected.length >= this.#pass.policy.maxAdmissions) break;
      if (this.#serve(deployment, cursor.line.shape)) return true;
      // Whoever comes after it in its line asks for the same, and for the same victims.
      cursor.isDone = true;
    }
    return false;
  }

  #headsBefore(effective: number): Head[] {
    const { policy, now } = this.#pass;
    const heads: Head[] = [];
    for (const cursor of this.#cursors ?? []) {
      if (cursor.isDone) continue;
      const deployment = this.#headOf(cursor);
      if (deployment === undefined || effectivePriority(deployment, policy, now) >= effective) continue;
      heads.push({ cursor, deployment });
    }
    return heads.toSorted((a, b) => compareInOrder(a.deployment, b.deployment, policy, now));
  }

  #headOf(cursor: Cursor): QueuedDeployment | undefined {
    const { placed, state } = this.#pass;
    for (;;) {
      const [head] = cursor.line.members.slice(cursor.next, cursor.next + 1);
      if (head === undefined || !(placed.has(head.id) || state.claims.has(head.id) || this.made.has(head.id))) {
        return head;
      }
      cursor.next++;
    }
  }

  #serve(deployment: QueuedDeployment, shape: Shape): boolean {
    const { room } = this.#pass;
    const isHolder = this.#pass.hold?.deployment.id === deployment.id;
    const asker = isHolder ? 'free' : this.#pass.askerFor(deployment);
    const need = { room, shape, asker };
    if (this.#isHopeless(shape, deployment.priority)) return false;
    const possible = this.#victimsFor(deployment);
    const victims = this.#cheapest(need, possible);
    if (victims === null) return false;
    const alternatives = victims.length === 0 ? [] : alternativesTo(need, possible, victims);
    this.#stop(victims);
    const spots = placeOne(room, shape, asker);
    if (spots === null) throw new Error(`room was made for deployment ${deployment.id}, and it does not fit`);
    const taken = { shape, asker, spots };
    if (victims.length === 0) {
      this.#expected.push(taken);
      this.#skip(deployment);
      return true;
    }
    this.#claimed.push(taken);
    this.made.set(deployment.id, {
      deployment,
      placements: spots.map((spot, replica) => room.placement(shape, spot, replica)),
      receipt: receiptOf(victims, alternatives),
    });
    this.#pass.settled.add(deployment.id);
    return true;
  }

  #cheapest(need: Need, possible: readonly Candidate[]): readonly Candidate[] | null {
    const budget = new Budget(Math.min(this.#budget.left, this.#stepsOfSearch));
    const victims = cheapestVictims(need, possible, budget);
    this.#budget.charge(budget.used);
    return victims;
  }

  #skip({ id }: QueuedDeployment): void {
    const cursor = this.#cursors?.find((one) => this.#headOf(one)?.id === id);
    if (cursor !== undefined) cursor.next++;
  }

  /** Least important first. */
  #victimsFor({ priority }: QueuedDeployment): Candidate[] {
    return this.#candidates.filter((one) => one.priority > priority && !this.#stopped.has(one.deploymentId));
  }

  #stop(victims: readonly Candidate[]): void {
    for (const { deploymentId, holds } of victims) {
      this.#stopped.add(deploymentId);
      for (const hold of holds) {
        this.#pass.room.adjust(hold.node, hold.holding, 1);
        this.#leaving.push(hold);
      }
    }
  }

  /** Would it not fit if all were gone that one of its priority could have stopped? */
  #isHopeless(shape: Shape, priority: number): boolean {
    if (this.#hopeless.some((other) => other.priority <= priority && asksNoLess(shape, other.shape))) return true;
    const { room, nodes } = this.#mostFor(priority);
    if (shape.hostPorts !== null && room.holds(shape, 'free')) return false;
    // One replica fits only where somebody can be stopped: it has been left waiting.
    const where = shape.replicas === 1 ? nodes : room.nodes.keys();
    let found = 0;
    for (const node of shape.hostPorts === null ? where : []) {
      found += room.capacityOn(node, shape, 'free', Math.min(shape.replicas - found, shape.maxPerNode));
      if (found === shape.replicas) return false;
    }
    if (this.#hopeless.length < hopelessMax) this.#hopeless.push({ shape, priority });
    return true;
  }

  #mostFor(priority: number): Most {
    let most = this.#most.get(priority);
    if (most === undefined) {
      const room = new Room(this.#pass.room);
      const nodes = new Set(this.#leaving.map(({ node }) => node));
      for (const { holds } of this.#candidates.filter((one) => one.priority > priority)) {
        for (const { node, holding } of holds) {
          room.adjust(node, holding, 1);
          nodes.add(node);
        }
      }
      most = { room, nodes: [...nodes] };
      this.#most.set(priority, most);
    }
    return most;
  }
}

function change(room: Room, { shape, asker, spots }: Taken, what: 'take' | 'give'): void {
  for (const spot of spots) room[what](shape, spot, asker);
}

/** Null where it must not be stopped: nobody knows its priority or its start, it has run too short, or is being stopped. */
function candidateOf(
  deploymentId: string,
  holds: Candidate['holds'],
  minRunTime: number,
  now: number,
): Candidate | null {
  let lostWork = 0;
  let best = Number.POSITIVE_INFINITY;
  for (const { node, holding } of holds) {
    const { priority, startedAt, isStopping } = holding;
    if (node === -1 || priority === undefined || startedAt === undefined || isStopping === true) return null;
    if (now - startedAt < minRunTime) return null;
    lostWork += Math.max(0, now - startedAt);
    best = Math.min(best, priority);
  }
  return { deploymentId, priority: best, lostWork, holds };
}

/** Sets that would have done as well, each without one of the victims; none is cheaper. */
function alternativesTo(
  need: Need,
  possible: readonly Candidate[],
  victims: readonly Candidate[],
): readonly (readonly Candidate[])[] {
  const found = new Map<string, readonly Candidate[]>();
  for (const victim of victims.toSorted((a, b) => b.lostWork - a.lostWork).slice(0, alternativesTold)) {
    const others = cheapestVictims(
      need,
      possible.filter((one) => one !== victim),
      null,
    );
    if (others !== null) found.set(idsOf(others).join(), others);
  }
  return [...found.values()].toSorted((a, b) => compareCosts(costOf(a), costOf(b)));
}

function idsOf(victims: readonly Candidate[]): string[] {
  return victims.map(({ deploymentId }) => deploymentId).toSorted(compareIds);
}

function receiptOf(victims: readonly Candidate[], alternatives: readonly (readonly Candidate[])[]): PreemptionReceipt {
  const { highestPriority, lostWork } = costOf(victims);
  return {
    highestPriority,
    lostWork,
    victims: victims
      .toSorted(compareCandidates)
      .map(({ deploymentId, priority, lostWork: lost }) => ({ deploymentId, priority, lostWork: lost })),
    alternatives: alternatives.map((others) => {
      const cost = costOf(others);
      return { highestPriority: cost.highestPriority, lostWork: cost.lostWork, victims: idsOf(others) };
    }),
  };
}
