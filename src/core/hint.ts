/**
 * What an exact solver found, as the core uses it: so many of each shape on each node. Where they stand there is found anew, with the
 * same search as everywhere; a hint that says what cannot be is of no use, and does no harm.
 */
import type { Demand } from './demand.ts';
import type { RankedLevel } from './level.ts';
import type { QueuedDeployment } from './model.ts';
import { Budget, dealt, Packer } from './pack.ts';
import type { Pass, Placed } from './pass.ts';
import type { Spots } from './place.ts';
import { Room, type Spot } from './room.ts';
import { type Shape, shapeOf } from './shape.ts';

/** In the order of the levels and shapes of a demand, and of the nodes by id. */
export interface Hint {
  /** By level and shape: how many are admitted. */
  readonly admitted: readonly (readonly number[])[];
  /** By shape and node: how many replicas stand there. */
  readonly placed: readonly (readonly number[])[];
  /** Of so many levels, from the best on, no choice has more, each after those before it. The others are not followed. */
  readonly provenLevels: number;
}

/** Steps to find out where replicas stand that are said to fit: as a rule the first try will do. */
const stepsOfHint = 20_000;

/** A hint that a pass can follow of which nothing is placed yet. */
export class Hinted {
  /** Of each level that is followed, the most that any choice has. */
  readonly optima: readonly number[];
  readonly #hint: Hint;
  readonly #shapes: readonly Shape[];
  /** By shape: where its deployments stand, as many as are admitted. Those of the best levels are taken first. */
  readonly #spots: readonly Spots[][];
  #served = 0;

  /** Null where the hint is of no use. */
  static of(pass: Pass, demand: Demand, hint: Hint): Hinted | null {
    if (!isOf(hint, demand, pass)) return null;
    const replicas = pack(pass.room, demand.shapes, hint);
    if (replicas === null) return null;
    const spots = demand.shapes.map((shape, s) => shareOut(shape, replicas[s] ?? [], countOf(hint, s)));
    return spots.every((one) => one !== null) ? new Hinted(hint, demand.shapes, spots) : null;
  }

  private constructor(hint: Hint, shapes: readonly Shape[], spots: readonly Spots[][]) {
    this.#hint = hint;
    this.#shapes = shapes;
    this.#spots = spots;
    this.optima = hint.admitted.slice(0, hint.provenLevels).map(sumOf);
  }

  /** Those of the next level, of each shape the oldest; null where it is not followed any more. Takes their room. */
  serve({ room }: Pass, { candidates, deployments }: RankedLevel): Placed[] | null {
    if (this.#served === this.optima.length) return null;
    const counts = this.#hint.admitted[this.#served++] ?? [];
    return candidates.flatMap(({ shape, asker, members }) => {
      const s = this.#shapes.indexOf(shape);
      const chosen = members.slice(0, counts[s] ?? 0).map((rank) => deployments[rank] as QueuedDeployment);
      return chosen.map((deployment): Placed => {
        const spots = this.#spots[s]?.shift() ?? [];
        for (const spot of spots) room.take(shape, spot, asker);
        return { deployment, shape, asker, spots, outOfTurn: false };
      });
    });
  }
}

/** Has it as many levels, shapes and nodes as there are, no more of anything than there is, and all replicas or none? */
function isOf(hint: Hint, { shapes, counts }: Demand, { room, left }: Pass): boolean {
  const { admitted, placed, provenLevels } = hint;
  return (
    isTable(admitted, counts.length, shapes.length) &&
    isTable(placed, shapes.length, room.nodes.length) &&
    isCount(provenLevels) &&
    provenLevels <= counts.length &&
    sumOf(admitted.flat()) <= left &&
    admitted.every((ofLevel, l) => ofLevel.every((count, s) => count <= (counts[l]?.[s] ?? 0))) &&
    shapes.every(({ replicas }, s) => replicas * countOf(hint, s) === sumOf(placed[s] ?? []))
  );
}

/** It may come from another thread, and whatever that says is looked at before it is used. */
function isTable(table: unknown, rows: number, columns: number): boolean {
  const isRow = (row: unknown) => Array.isArray(row) && row.length === columns && row.every(isCount);
  return Array.isArray(table) && table.length === rows && table.every(isRow);
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** How many deployments of a shape are admitted. */
const countOf = ({ admitted }: Hint, s: number): number => sumOf(admitted.map((ofLevel) => ofLevel[s] ?? 0));

/** By shape: where its replicas stand, node after node. Null where it is not found that they fit. */
function pack({ nodes, firstDevice }: Room, shapes: readonly Shape[], { placed }: Hint): Spot[][] | null {
  const budget = new Budget(stepsOfHint);
  // Each by itself, whatever the others of its deployment do.
  const single = shapes.map(({ request }) => shapeOf({ ...request, replicas: 1 }));
  const spots = shapes.map((): Spot[] => []);
  for (const [n, node] of nodes.entries()) {
    const there = [...shapes.keys()].filter((s) => (placed[s]?.[n] ?? 0) > 0);
    const kinds = there.map((s) => ({ shape: single[s] as Shape, asker: 'free' as const }));
    const packed = new Packer(new Room([node]), kinds, budget).pack(there.map((s) => placed[s]?.[n] ?? 0));
    if (packed === null) return null;
    for (const [k, s] of there.entries()) {
      for (const { devices } of packed[k]?.flat() ?? []) {
        spots[s]?.push({ node: n, devices: devices.map((device) => (firstDevice[n] ?? 0) + device) });
      }
    }
  }
  return spots;
}

/** To so many deployments, each with no more on a node than it may have; null where that is not so. */
function shareOut({ maxPerNode }: Shape, spots: readonly Spot[], count: number): Spots[] | null {
  const shared = dealt(spots, count);
  const isAllowed = (one: Spots) =>
    one.every(({ node }) => one.filter((other) => other.node === node).length <= maxPerNode);
  return maxPerNode === Number.POSITIVE_INFINITY || shared.every(isAllowed) ? shared : null;
}
