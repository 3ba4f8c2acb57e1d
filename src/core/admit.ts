/**
 * The largest admissible set: of the deployments of one effective priority, as many as can run beside each other; between
 * equally many the older ones. This is a multidimensional knapsack with unit profits over several bins, NP-hard in general.
 * So: everybody in order, if no set can be larger; else several greedy orders; else, where few enough are left to choose
 * from, exact search (search.ts).
 *
 * Equal requests are interchangeable: of one shape the oldest go first, and a shape that no longer fits is done.
 */
import { type Candidates, type Choice, type Level, needOf, scarce } from './choice.ts';
import type { Budget } from './pack.ts';
import { placeOne, placeSeveral, release, type Spots } from './place.ts';
import type { Free, Room } from './room.ts';
import { searchLargest } from './search.ts';
import type { Shape } from './shape.ts';

/** What was chosen of a level, and how good that is. */
export interface Admission {
  readonly choice: Choice;
  /** No choice has more deployments than this. */
  readonly bound: number;
}

/** Chooses the largest set, at most `most` deployments; between equally large ones the oldest. Takes their room. */
export function admitLargest(room: Room, level: Level, most: number, budget: Budget): Admission {
  const { candidates } = level;
  const bound = Math.min(most, boundOf(level, room.free()));
  if (bound < level.turns.length && candidates.length * room.nodes.length > largeLevel) {
    const order = smallestFirst(candidates, sumOfParts, partsOf(room.free()));
    return { choice: admitGreedily(room, candidates, order, most), bound };
  }
  const inOrder = admitInOrder(room, level, most);
  if (sizeOf(inOrder) === bound && isOldest(level, inOrder)) return { choice: inOrder, bound };
  release(room, candidates, inOrder);
  let best = inOrder;
  if (sizeOf(inOrder) < bound) {
    for (const order of greedyOrders(candidates, room.free())) {
      const choice = admitGreedily(room, candidates, order, most);
      release(room, candidates, choice);
      if (isBetter(candidates, choice, best)) best = choice;
    }
  }
  const search = searchLargest(room, candidates, { least: sizeOf(best), most: bound }, budget);
  best = search.choice ?? best;
  retake(room, candidates, best);
  return { choice: best, bound: search.isComplete ? sizeOf(best) : bound };
}

/**
 * Above so many pairs of a shape and a node, to try several orders costs more than the rest of the pass: then one is tried, the
 * one that is the best on average.
 */
const largeLevel = 600_000;

/** Everybody in turn, whoever fits. */
function admitInOrder(room: Room, level: Level, most: number): Choice {
  const choice: Spots[][] = level.candidates.map(() => []);
  const done = new Uint8Array(level.candidates.length);
  let left = most;
  for (const turn of level.turns) {
    if (left === 0) break;
    if (done[turn] === 1) continue;
    const { shape, asker } = level.candidates[turn] as Candidates;
    const spots = placeOne(room, shape, asker);
    if (spots === null) done[turn] = 1;
    else {
      choice[turn]?.push(spots);
      left--;
    }
  }
  return choice;
}

const none: readonly Spots[] = [];

/** Shape after shape in the given order, as many of each as fit. */
function admitGreedily(room: Room, candidates: readonly Candidates[], order: Uint32Array, most: number): Choice {
  const choice: (readonly Spots[])[] = candidates.map(() => none);
  let left = most;
  for (const i of order) {
    if (left === 0) break;
    const { shape, asker, members } = candidates[i] as Candidates;
    const placed = placeSeveral(room, shape, asker, Math.min(left, members.length));
    choice[i] = placed;
    left -= placed.length;
  }
  return choice;
}

/** Takes the room of a choice that was released: the spots are still free, so they are the same. */
function retake(room: Room, candidates: readonly Candidates[], choice: Choice): void {
  choice.forEach((chosen, i) => {
    const { shape, asker } = candidates[i] as Candidates;
    for (const spot of chosen.flat()) room.take(shape, spot, asker);
  });
}

function sizeOf(choice: Choice): number {
  return choice.reduce((size, chosen) => size + chosen.length, 0);
}

/** More deployments; between equally many, the older at the first place where they differ. */
function isBetter(candidates: readonly Candidates[], a: Choice, b: Choice): boolean {
  if (sizeOf(a) !== sizeOf(b)) return sizeOf(a) > sizeOf(b);
  const [ofA, ofB] = [positionsOf(candidates, a), positionsOf(candidates, b)];
  const differs = ofA.findIndex((position, i) => position !== ofB[i]);
  return differs !== -1 && (ofA[differs] ?? 0) < (ofB[differs] ?? 0);
}

/** Is nobody left out who is older than someone chosen? Then no set of this size is older. */
function isOldest(level: Level, choice: Choice): boolean {
  const left = choice.map((chosen) => chosen.length);
  return level.turns.slice(0, sizeOf(choice)).every((turn) => {
    left[turn] = (left[turn] ?? 0) - 1;
    return (left[turn] ?? 0) >= 0;
  });
}

function positionsOf(candidates: readonly Candidates[], choice: Choice): number[] {
  return choice.flatMap((chosen, i) => candidates[i]?.members.slice(0, chosen.length) ?? []).toSorted((a, b) => a - b);
}

/**
 * Above so many shapes in one level, sorting them again and again costs more than the rest of the pass: they are sorted once,
 * by the order that is the best on average.
 */
const manyShapes = 2000;

/** No set can have more than this: in each dimension by itself, the smallest first, as if the cluster were one node. */
export function boundOf({ candidates, turns }: Level, free: Free): number {
  if (candidates.length > manyShapes) return turns.length;
  const needs = candidates.map(({ shape, members }) => ({ need: needOf(shape), count: members.length }));
  const bounds = scarce.map((dimension) => {
    let left = free[dimension];
    let fitting = 0;
    for (const { need, count } of needs.toSorted((a, b) => a.need[dimension] - b.need[dimension])) {
      const possible = need[dimension] === 0 ? count : Math.min(count, Math.floor(left / need[dimension]));
      fitting += possible;
      left -= possible * need[dimension];
      if (possible < count) break;
    }
    return fitting;
  });
  return Math.min(...bounds);
}

/** How large a deployment is, with a weight for each unit of what is scarce. */
type Size = (shape: Shape, weight: Free) => number;

/** By the largest part that it takes of any dimension (as in Ghodsi et al., "Dominant Resource Fairness", NSDI 2011). */
const largestPart: Size = ({ ram, cpu, gpu, wholeDevices, replicas }, weight) =>
  replicas * Math.max(ram * weight.ram, cpu * weight.cpu, gpu * weight.gpu, wholeDevices > 0 ? gpu * weight.idle : 0);

/** The largest part of all that there is that a deployment takes of any dimension. */
export function largestPartOf(shape: Shape, all: Free): number {
  return largestPart(shape, partsOf(all));
}

const sumOfParts: Size = ({ ram, cpu, gpu, wholeDevices, replicas }, weight) =>
  replicas * (ram * weight.ram + cpu * weight.cpu + gpu * weight.gpu + (wholeDevices > 0 ? gpu * weight.idle : 0));

/**
 * Orders of the candidates in which taking whatever fits tends to admit many: the smallest first, by the largest part, by the
 * sum of the parts, and by the sum weighted with how much each dimension is in demand (Panigrahy et al., "Heuristics for
 * Vector Bin Packing", 2011). Of equally large ones the older first.
 */
function greedyOrders(candidates: readonly Candidates[], free: Free): Uint32Array[] {
  const part = partsOf(free);
  if (candidates.length > manyShapes) return [smallestFirst(candidates, largestPart, part)];
  const demanded = weights((dimension) =>
    candidates.reduce((sum, { shape, members }) => sum + needOf(shape)[dimension] * members.length, 0),
  );
  const byDemand = weights((dimension) => part[dimension] * part[dimension] * demanded[dimension]);
  return [
    smallestFirst(candidates, largestPart, part),
    smallestFirst(candidates, sumOfParts, part),
    smallestFirst(candidates, sumOfParts, byDemand),
  ];
}

/** What one unit is of all that is free. */
function partsOf(free: Free): Free {
  return weights((dimension) => 1 / Math.max(1, free[dimension]));
}

function weights(of: (dimension: keyof Free) => number): Free {
  return { ram: of('ram'), cpu: of('cpu'), gpu: of('gpu'), idle: of('idle') };
}

function smallestFirst(candidates: readonly Candidates[], size: Size, weight: Free): Uint32Array {
  const sizes = Float64Array.from(candidates, ({ shape }) => size(shape, weight));
  const ages = Uint32Array.from(candidates, ({ members }) => members[0] ?? 0);
  return Uint32Array.from(candidates.keys()).toSorted(
    (a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0) || (ages[a] ?? 0) - (ages[b] ?? 0),
  );
}
