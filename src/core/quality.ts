/** How good a plan is, and which of two is better. */
import type { LevelQuality, Quality } from './model.ts';
import type { Pass } from './pass.ts';

export function qualityOf({ placed, beforeLevels, levels }: Pass): Quality {
  return rated(placed.size, levels, beforeLevels);
}

function rated(admitted: number, levels: readonly LevelQuality[], beforeLevels: number): Quality {
  const bound = levels.reduce((sum, level) => sum + level.bound, beforeLevels);
  return { admitted, bound, proven: admitted === bound, levels };
}

/** Does one admit more than the other of the best level in which they differ? */
export function isMore(one: Quality, other: Quality): boolean {
  const length = Math.max(one.levels.length, other.levels.length);
  for (let l = 0; l < length; l++) {
    const [a = 0, b = 0] = [one.levels[l]?.admitted, other.levels[l]?.admitted];
    if (a !== b) return a > b;
  }
  return false;
}

/**
 * The same, knowing the most that any choice has of the best levels, each after those before it: that holds as long as there are so many
 * in the levels before. Null where there are more than the most: then it cannot be that.
 */
export function withOptima(quality: Quality, optima: readonly number[]): Quality | null {
  const levels = [...quality.levels];
  for (const [l, bound] of optima.entries()) {
    const admitted = levels[l]?.admitted;
    if (admitted === undefined) break;
    if (admitted > bound) return null;
    levels[l] = { admitted, bound };
    if (admitted < bound) break;
  }
  const beforeLevels = quality.levels.reduce((left, level) => left - level.bound, quality.bound);
  return rated(quality.admitted, levels, beforeLevels);
}
