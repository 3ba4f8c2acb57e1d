/** How large deployments are, and the orders of size in which taking whatever fits tends to admit many. */
import { type Candidates, needOf } from './choice.ts';
import type { Free, Room } from './room.ts';
import type { Shape } from './shape.ts';

/** How large a deployment is, with a weight for each unit of what is scarce. */
type Size = (shape: Shape, weight: Free) => number;

/** By the largest part that it takes of any dimension (as in Ghodsi et al., "Dominant Resource Fairness", NSDI 2011). */
const largestPart: Size = ({ ram, cpu, gpu, wholeDevices, replicas }, weight) =>
  replicas * Math.max(ram * weight.ram, cpu * weight.cpu, gpu * weight.gpu, wholeDevices > 0 ? gpu * weight.idle : 0);

const sumOfParts: Size = ({ ram, cpu, gpu, wholeDevices, replicas }, weight) =>
  replicas * (ram * weight.ram + cpu * weight.cpu + gpu * weight.gpu + (wholeDevices > 0 ? gpu * weight.idle : 0));

/** How large it is: the sum of the parts that it takes of all that there is. */
export function sizeIn(shape: Shape, all: Free): number {
  return sumOfParts(shape, partsOf(all));
}

/**
 * Above so many shapes in one level, sorting them again and again costs more than the rest of the pass: they are sorted once,
 * by the order that is the best on average.
 */
export const manyShapes = 2000;

/** Numbers of candidates, in the order in which they are to be placed. */
export type Order = Uint32Array;

/**
 * The smallest first, by the largest part, by the sum of the parts, and by the sum weighted with how much each dimension is in
 * demand (Panigrahy et al., "Heuristics for Vector Bin Packing", 2011). Of equally large ones the older first.
 */
export function greedyOrders(candidates: readonly Candidates[], free: Free): Order[] {
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

/** The smallest first, by the sum of the parts: on average the order that admits the most. */
export function smallestInSum(candidates: readonly Candidates[], free: Free): Order {
  return smallestFirst(candidates, sumOfParts, partsOf(free));
}

/** The same, with devices that are taken whole counting no more than shares of as much. */
export function smallestInAmounts(candidates: readonly Candidates[], free: Free): Order {
  return smallestFirst(candidates, sumOfParts, { ...partsOf(free), idle: 0 });
}

/** Those first for which the fewest devices will do, then the largest, by the largest part. */
export function hardestByPart(candidates: readonly Candidates[], room: Room): Order {
  const part = partsOf(room.free());
  const sizes = candidates.map(({ shape }) => largestPart(shape, part));
  return hardestFirst(candidates, room, (a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
}

/** Those first for which the fewest devices will do, then those with the most GPU, then with the most CPU. */
export function hardestByGpu(candidates: readonly Candidates[], room: Room): Order {
  const needs = candidates.map(({ shape }) => needOf(shape));
  const more = (dimension: 'gpu' | 'cpu', a: number, b: number) =>
    (needs[b]?.[dimension] ?? 0) - (needs[a]?.[dimension] ?? 0);
  return hardestFirst(candidates, room, (a, b) => more('gpu', a, b) || more('cpu', a, b));
}

function hardestFirst(candidates: readonly Candidates[], room: Room, compare: (a: number, b: number) => number): Order {
  const counts = new Map<Uint8Array, number>();
  const suitable = candidates.map(({ shape }) => {
    if (shape.gpu === 0) return Number.POSITIVE_INFINITY;
    const { devices } = room.suitable(shape);
    let count = counts.get(devices);
    if (count === undefined) counts.set(devices, (count = devices.reduce((sum, suits) => sum + suits, 0)));
    return count;
  });
  const rarer = (a: number, b: number) => {
    const [ofA = 0, ofB = 0] = [suitable[a], suitable[b]];
    return ofA === ofB ? 0 : ofA - ofB;
  };
  const age = (i: number) => candidates[i]?.members[0] ?? 0;
  return Uint32Array.from(candidates.keys()).toSorted((a, b) => rarer(a, b) || compare(a, b) || age(a) - age(b));
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
