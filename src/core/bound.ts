/**
 * How many a pass could have admitted at most. Level after level: beside those who were chosen of the better levels, wherever they
 * stand. Each dimension by itself, as if the cluster were one node.
 */
import { needOf, scarce } from './choice.ts';
import type { LevelQuality } from './model.ts';
import type { Free } from './room.ts';
import type { Shape } from './shape.ts';
import { manyShapes } from './size.ts';

/** How many deployments of a shape wait in a level, of those that would have fitted alone at the start. */
export interface Asked {
  readonly shape: Shape;
  readonly count: number;
}

/** No set can have more than this: in each dimension by itself, the smallest first. */
export function mostOf(asked: readonly Asked[], free: Free): number {
  if (asked.length > manyShapes) return asked.reduce((sum, { count }) => sum + count, 0);
  const needs = asked.map(({ shape, count }) => ({ need: needOf(shape), count }));
  const fitting = scarce.map((of) => {
    let left = free[of];
    let most = 0;
    for (const { need, count } of needs.toSorted((a, b) => a.need[of] - b.need[of])) {
      const possible = need[of] === 0 ? count : Math.min(count, Math.floor(left / need[of]));
      most += possible;
      left -= possible * need[of];
      if (possible < count) break;
    }
    return most;
  });
  return Math.min(...fitting);
}

export class Bound {
  /** What those chosen so far leave. */
  readonly #free: Record<(typeof scarce)[number], number>;
  #left: number;
  readonly #levels: LevelQuality[] = [];

  /** Of what is free before the levels, for so many admissions at most. */
  constructor(free: Free, most: number) {
    this.#free = { ...free };
    this.#left = most;
  }

  /** The levels so far. */
  get levels(): readonly LevelQuality[] {
    return this.#levels;
  }

  /**
   * The next level, and the shapes of those chosen of it. `isMost` says that more cannot be, with the better levels where they stand:
   * that is known of all choices only as long as nobody stands anywhere. `isOptimum` says it of all choices.
   */
  add(asked: readonly Asked[], chosen: readonly Shape[], isMost: boolean, isOptimum = false): void {
    const all = asked.reduce((sum, { count }) => sum + count, 0);
    const isFirst = this.#levels.every((level) => level.bound === 0);
    const isKnown = chosen.length === all || (isMost && isFirst) || isOptimum;
    const bound = isKnown ? chosen.length : Math.min(this.#left, mostOf(asked, this.#free));
    this.#levels.push({ admitted: chosen.length, bound: Math.max(chosen.length, bound) });
    for (const shape of chosen) {
      const need = needOf(shape);
      for (const of of scarce) this.#free[of] -= need[of];
    }
    this.#left -= chosen.length;
  }
}
