/**
 * Whom to stop so that one deployment fits: of all sets of running deployments that make room for it, the cheapest. The cost
 * of a set is compared in this order: the best priority that it hits (the higher the number, the better), the work that is
 * lost, how many are stopped.
 *
 * To stop one more never takes room away. So the priorities that have to be hit are found by stopping everybody, the least
 * important first, until it fits; and of those, a set from which nobody can be spared is found by sparing them again, the
 * costliest first. Which set is the cheapest is then decided by branch and bound (Land and Doig, Econometrica 28(3), 1960),
 * exactly as long as the budget lasts.
 */
import { compareIds } from './ids.ts';
import type { Holding, PreemptionCost } from './model.ts';
import type { Budget } from './pack.ts';
import type { Asker, Room } from './room.ts';
import type { Shape } from './shape.ts';

/** A running deployment that may be stopped for others: all of its replicas, or none. */
export interface Candidate {
  readonly deploymentId: string;
  readonly priority: number;
  /** Milliseconds that its replicas have run, added up. */
  readonly lostWork: number;
  readonly holds: readonly { readonly node: number; readonly holding: Holding }[];
}

/** What a set costs; the better of two is the smaller by `compareCosts`. */
export interface Cost extends PreemptionCost {
  readonly victims: number;
}

export function costOf(victims: readonly Candidate[]): Cost {
  return {
    highestPriority: victims.reduce((best, { priority }) => Math.min(best, priority), Number.POSITIVE_INFINITY),
    lostWork: victims.reduce((sum, { lostWork }) => sum + lostWork, 0),
    victims: victims.length,
  };
}

export function compareCosts(a: Cost, b: Cost): number {
  return b.highestPriority - a.highestPriority || a.lostWork - b.lostWork || a.victims - b.victims;
}

/** The least important first, of equals the one with the least to lose. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return b.priority - a.priority || a.lostWork - b.lostWork || compareIds(a.deploymentId, b.deploymentId);
}

/** For whom room is made, and where. */
export interface Need {
  readonly room: Room;
  readonly shape: Shape;
  readonly asker: Asker;
}

/**
 * The cheapest of the candidates (in the order of `compareCandidates`) to stop; none where it fits as it is; null where even
 * all of them would not do. Without a budget: a set from which nobody can be spared, not always the cheapest. The room is as
 * it was.
 */
export function cheapestVictims(
  need: Need,
  candidates: readonly Candidate[],
  budget: Budget | null,
): readonly Candidate[] | null {
  const trial = new Trial(need);
  if (trial.isEnough) return [];
  const useful = leastImportant(trial, candidates);
  // To stop them all and to spare them again is work, too.
  budget?.charge(candidates.length + need.room.nodes.length);
  if (useful === null) return null;
  const sets = groupsOf(trial, useful)
    .flatMap((group) => minimalOf(trial, group))
    .toSorted((x, y) => compareCosts(costOf(x.victims), costOf(y.victims)));
  let best = sets[0]?.victims ?? null;
  if (best === null || budget === null) return best;
  // The most promising first, while the budget lasts.
  for (const { order } of sets) best = searchIn(trial, order, best, budget) ?? best;
  return best;
}

/** Of the least important ones, as many levels of priority as it takes, those who stand where it could go. */
function leastImportant(trial: Trial, candidates: readonly Candidate[]): Candidate[] | null {
  let end = 0;
  while (end < candidates.length && !trial.isEnough) {
    const priority = candidates[end]?.priority;
    for (; candidates[end]?.priority === priority && end < candidates.length; end++) trial.stop(candidates[end]);
  }
  const stopped = candidates.slice(0, end);
  const useful = trial.isEnough ? stopped.filter(({ holds }) => holds.some(({ node }) => trial.isUseful(node))) : null;
  for (const candidate of stopped) trial.spare(candidate);
  return useful;
}

/**
 * Sets of candidates each of which may hold the cheapest set. One replica stands on one node, so that it is enough to look at
 * the nodes one by one (with host ports, at machines); several replicas may stand anywhere.
 */
function groupsOf(trial: Trial, useful: readonly Candidate[]): readonly (readonly Candidate[])[] {
  if (trial.need.shape.replicas > 1) return [useful];
  const byPlace = new Map<number, Candidate[]>();
  for (const candidate of useful) {
    for (const place of new Set(candidate.holds.map(({ node }) => trial.placeOf(node)))) {
      const group = byPlace.get(place);
      if (group === undefined) byPlace.set(place, [candidate]);
      else group.push(candidate);
    }
  }
  return [...byPlace].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

interface MinimalSet {
  /** All of the group, the costliest first: they are the first to be spared. */
  readonly order: readonly Candidate[];
  readonly victims: readonly Candidate[];
}

/** A set of the group from which nobody can be spared; nothing where all of it would not do. */
function minimalOf(trial: Trial, group: readonly Candidate[]): MinimalSet[] {
  const order = group.toSorted((a, b) => b.lostWork - a.lostWork || compareIds(a.deploymentId, b.deploymentId));
  for (const candidate of order) trial.stop(candidate);
  const isEnough = trial.isEnough;
  const victims = order.filter((candidate) => {
    if (!isEnough) return true;
    trial.spare(candidate);
    if (trial.isEnough) return false;
    trial.stop(candidate);
    return true;
  });
  for (const candidate of victims) trial.spare(candidate);
  return isEnough ? [{ order, victims }] : [];
}

/** A set of these that costs less than the one that is known; null where none was found. */
function searchIn(
  trial: Trial,
  order: readonly Candidate[],
  known: readonly Candidate[],
  budget: Budget,
): readonly Candidate[] | null {
  if (budget.isSpent) return null;
  for (const candidate of order) trial.stop(candidate);
  const found = new Search(trial, order, known, budget).run();
  for (const candidate of order) trial.spare(candidate);
  return found;
}

/** Tries all sets of a group that could cost less than the best that is known. All of the group are stopped before and after. */
class Search {
  readonly #trial: Trial;
  readonly #order: readonly Candidate[];
  readonly #budget: Budget;
  readonly #chosen: Candidate[] = [];
  #lost: number;
  #count: number;
  #best: readonly Candidate[] | null = null;

  /** `known` hits the same priorities as whatever is found: only work and number are compared. */
  constructor(trial: Trial, order: readonly Candidate[], known: readonly Candidate[], budget: Budget) {
    this.#trial = trial;
    this.#order = order;
    this.#budget = budget;
    ({ lostWork: this.#lost, victims: this.#count } = costOf(known));
  }

  /** Null where nothing is cheaper. */
  run(): readonly Candidate[] | null {
    this.#decide(0, 0, false);
    return this.#best;
  }

  /** Decides about the candidates from here on. Those chosen have lost so much. */
  #decide(from: number, lost: number, stoppedLast: boolean): void {
    if (lost > this.#lost || (lost === this.#lost && this.#chosen.length >= this.#count)) return;
    const candidate = this.#order[from];
    if (candidate === undefined) {
      this.#best = [...this.#chosen];
      this.#lost = lost;
      this.#count = this.#chosen.length;
      return;
    }
    if (!this.#budget.step()) return;
    // Of two that nothing tells apart, never the second alone is spared: that is the first in its place.
    if (!(stoppedLast && isAlike(candidate, this.#order[from - 1]))) {
      this.#trial.spare(candidate);
      if (this.#trial.isEnough) this.#decide(from + 1, lost, false);
      this.#trial.stop(candidate);
    }
    this.#chosen.push(candidate);
    this.#decide(from + 1, lost + candidate.lostWork, true);
    this.#chosen.pop();
  }
}

function isAlike(a: Candidate, b: Candidate | undefined): boolean {
  if (b === undefined || a.lostWork !== b.lostWork || a.holds.length !== 1 || b.holds.length !== 1) return false;
  const [one, other] = [a.holds[0], b.holds[0]];
  if (one === undefined || other === undefined || one.node !== other.node) return false;
  const [mine, others] = [one.holding, other.holding];
  return (
    mine.resources.ram === others.resources.ram &&
    mine.resources.cpu === others.resources.cpu &&
    mine.devices.length === 0 &&
    others.devices.length === 0 &&
    mine.hostPorts === undefined &&
    others.hostPorts === undefined
  );
}

/**
 * The room with some of the candidates stopped: how many replicas would find a place. Counted by node; with host ports by machine, since
 * who has the port may stand on another node of it, and each machine takes one replica.
 */
class Trial {
  readonly need: Need;
  /** With host ports: the nodes of each machine. */
  readonly #nodesOf: ReadonlyMap<number, readonly number[]> | null;
  readonly #capacity: Int32Array;
  readonly #most: number;
  #total = 0;

  constructor(need: Need) {
    this.need = need;
    const { room, shape } = need;
    this.#most = Math.min(shape.replicas, shape.maxPerNode);
    this.#nodesOf = shape.hostPorts === null ? null : room.ports.nodesByMachine();
    this.#capacity = new Int32Array(room.nodes.length);
    for (let node = 0; node < room.nodes.length; node++) this.#lookAt(node);
  }

  get isEnough(): boolean {
    return this.#total >= this.need.shape.replicas;
  }

  isUseful(node: number): boolean {
    return (this.#capacity[this.placeOf(node)] ?? 0) > 0;
  }

  /** What is counted by: the node, or its machine. */
  placeOf(node: number): number {
    return this.#nodesOf === null ? node : this.need.room.ports.machineOf(node);
  }

  stop(candidate: Candidate | undefined): void {
    this.#adjust(candidate, 1);
  }

  /** Undoes `stop`. */
  spare(candidate: Candidate): void {
    this.#adjust(candidate, -1);
  }

  #adjust(candidate: Candidate | undefined, sign: 1 | -1): void {
    const { room } = this.need;
    for (const { node, holding } of candidate?.holds ?? []) {
      room.adjust(node, holding, sign);
      this.#lookAt(node);
    }
  }

  #lookAt(node: number): void {
    const { room, shape, asker } = this.need;
    const place = this.placeOf(node);
    const nodes = this.#nodesOf?.get(place);
    const capacity =
      nodes === undefined
        ? room.capacityOn(node, shape, asker, this.#most)
        : Number(nodes.some((one) => room.capacityOn(one, shape, asker, 1) > 0));
    this.#total += capacity - (this.#capacity[place] ?? 0);
    this.#capacity[place] = capacity;
  }
}
