/** What one pass has decided so far: who has been placed where, and what is kept for whom. */
import type { Candidates } from './choice.ts';
import type { Claim, LevelQuality, Placement, Policy, QueuedDeployment } from './model.ts';
import { compareByAge } from './order.ts';
import { Budget } from './pack.ts';
import type { Spots } from './place.ts';
import { Preemptions } from './preempt.ts';
import { askerWith, type Hold } from './reserve.ts';
import type { Asker, Room } from './room.ts';
import type { Shape } from './shape.ts';
import type { ClusterState } from './state.ts';

/** Steps that the search for whom to stop may take in one pass. */
const preemptionSteps = 100_000;

/** Of deployments of one shape in a level, so many of the oldest are put in order by what is expected of them. */
const learnedFrom = 1000;

/** Where a deployment was placed in this pass. */
export interface Placed {
  readonly deployment: QueuedDeployment;
  readonly shape: Shape;
  readonly asker: Asker;
  readonly spots: Spots;
  /** True where no level decided about it. */
  readonly outOfTurn: boolean;
}

type ShapesByAsker = Readonly<Record<Asker, Set<Shape>>>;

export class Pass {
  readonly state: ClusterState;
  readonly policy: Policy;
  readonly now: number;
  /** By id, in the order in which they were placed. */
  readonly placed = new Map<string, Placed>();
  /** Whoever no level decides about any more: placed before its turn, the holder, and those with a claim. */
  readonly settled = new Set<string>();
  /** By effective priority: the shapes that would have fitted alone into what the levels before it left over. */
  readonly #allocatable = new Map<number, ShapesByAsker>();
  /** By effective priority: the youngest that was admitted in its turn. */
  readonly #lastAdmitted = new Map<number, QueuedDeployment>();
  /** So many were admitted before the levels. */
  beforeLevels = 0;
  /** Of each level, how many were admitted, and the most that any choice could have, after those before it as they were chosen. */
  levels: readonly LevelQuality[] = [];
  hold: Hold | null = null;
  /** Who is stopped for whom. */
  readonly preemptions: Preemptions;
  /** What is kept for those with a claim who cannot start yet: it is taken from the room. */
  readonly #claimed: Placement[] = [];
  /** Shapes that no longer fit: nothing is freed in a pass, so they are done. */
  readonly #full: ShapesByAsker = { free: new Set(), restrained: new Set() };

  constructor(state: ClusterState, policy: Policy, now: number) {
    this.state = state;
    this.policy = policy;
    this.now = now;
    state.room.setTime(now);
    this.preemptions = new Preemptions(this, new Budget(preemptionSteps));
  }

  get room(): Room {
    return this.state.room;
  }

  /** How many deployments this pass may still admit. */
  get left(): number {
    return this.policy.maxAdmissions - this.placed.size;
  }

  /** Writes down where a deployment stands. Its room has been taken. */
  admit(placed: Placed): void {
    this.placed.set(placed.deployment.id, placed);
    if (!placed.outOfTurn) return;
    this.beforeLevels++;
    this.settled.add(placed.deployment.id);
  }

  /** Somebody was moved: what did not fit may do so again. */
  forgetFull(): void {
    this.#full.free.clear();
    this.#full.restrained.clear();
  }

  /** What was decided of a level: what could have been chosen, and who was, the oldest last or not. */
  settleLevel(effective: number, candidates: readonly Candidates[], chosen: readonly QueuedDeployment[]): void {
    const shapes: ShapesByAsker = { free: new Set(), restrained: new Set() };
    for (const { shape, asker } of candidates) shapes[asker].add(shape);
    this.#allocatable.set(effective, shapes);
    const [youngest] = chosen.toSorted((a, b) => compareByAge(b, a));
    if (youngest !== undefined) this.#lastAdmitted.set(effective, youngest);
  }

  /** Would it have fitted alone into what the levels before its own left over? */
  wasAllocatable(effective: number, shape: Shape, asker: Asker): boolean {
    return this.#allocatable.get(effective)?.[asker].has(shape) ?? false;
  }

  /** Was somebody of its level admitted who has waited less long? */
  wasOutdone(effective: number, deployment: QueuedDeployment): boolean {
    const youngest = this.#lastAdmitted.get(effective);
    return youngest !== undefined && compareByAge(youngest, deployment) > 0;
  }

  /** Starts one for whom others were stopped, if they are gone; else keeps its places for it. */
  serveClaim({ deploymentId, placements }: Claim): void {
    const { state, room } = this;
    const deployment = state.queue.find(deploymentId);
    const shape = state.queue.shapeOf(deploymentId);
    if (deployment === undefined || shape === undefined) return;
    this.settled.add(deploymentId);
    const spots = this.left > 0 ? room.takeAt(shape, placements, (id) => state.numberOf(id)) : null;
    if (spots === null) this.#claim(placements, -1, this.#claimed);
    else this.admit({ deployment, shape, asker: 'free', spots, outOfTurn: true });
  }

  #claim(placements: readonly Placement[], sign: 1 | -1, into?: Placement[]): void {
    for (const placement of placements) {
      const node = this.state.numberOf(placement.nodeId);
      if (node !== -1) this.room.adjust(node, placement, sign);
      into?.push(placement);
    }
  }

  /** Keeps room for a holder: from here on it restrains those who would still run when it is to start. */
  keepFor(hold: Hold): void {
    this.hold = hold;
    this.settled.add(hold.deployment.id);
    this.room.keep(hold.limits);
  }

  /** As whom a deployment of a line, or one by itself, asks for room. */
  askerFor({ timeLimit }: Pick<QueuedDeployment, 'timeLimit'>): Asker {
    return askerWith(timeLimit, this.hold, this.now);
  }

  /** Would a deployment of the shape find room now, beside all that has been placed? */
  fitsNow(shape: Shape, asker: Asker): boolean {
    const full = this.#full[asker];
    if (full.has(shape)) return false;
    if (this.room.holds(shape, asker)) return true;
    full.add(shape);
    return false;
  }

  /** More of a shape than this cannot be admitted any more. */
  mostOf(shape: Shape, asker: Asker): number {
    const { left } = this;
    // Who goes first is not who is the oldest: then more of them are looked at than could start.
    if (this.policy.backfill === 'learned') return learnedFrom;
    return Math.min(left, Math.floor(this.room.capacity(shape, asker, left * shape.replicas) / shape.replicas));
  }

  /** Would the open nodes hold it if they were empty? */
  canEver(shape: Shape): boolean {
    return this.state.empty.holds(shape, 'free');
  }

  /** Sees the room without what is kept for those for whom others are stopped: some of it is not free yet. */
  giveClaims(): void {
    this.preemptions.undo();
    this.#claim(this.#claimed, 1);
  }

  /** Undoes `giveClaims`. */
  takeClaims(): void {
    this.#claim(this.#claimed, -1);
    this.preemptions.redo();
  }

  /** Gives back all that was taken: the state is as it was before the pass. */
  undo(): void {
    const { room } = this;
    this.giveClaims();
    for (const { shape, asker, spots } of this.placed.values()) for (const spot of spots) room.give(shape, spot, asker);
    room.unkeep();
  }

  /** Undoes `undo`. */
  redo(): void {
    const { room } = this;
    if (this.hold !== null) room.keep(this.hold.limits);
    for (const { shape, asker, spots } of this.placed.values()) for (const spot of spots) room.take(shape, spot, asker);
    this.takeClaims();
  }
}
