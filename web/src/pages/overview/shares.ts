import type { ClusterSample } from '../../../../src/sdk/types.gen.ts';
import { percentOf } from '../../text/quantities.ts';

/** In percent of what there is. */
export interface Shares {
  readonly allocated: number;
  /** Null: not known. */
  readonly used: number | null;
}

const dimensions = ['ram', 'cpu', 'gpu'] as const;

/** Of the dimension that is allocated most: what else is free there helps nobody. */
export function scarcestShares({ total, allocated, used }: ClusterSample): Shares {
  const [first] = dimensions
    .map((dimension) => {
      const whole = total[dimension];
      const part = used[dimension];
      return { allocated: percentOf(allocated[dimension], whole), used: part === null ? null : percentOf(part, whole) };
    })
    .toSorted((a, b) => b.allocated - a.allocated);
  return first ?? { allocated: 0, used: null };
}

/** "10 to 94 % allocated, 3 to 20 % used". */
export function rangeInWords(shares: readonly Shares[]): string {
  const used = shares.flatMap(({ used: share }) => (share === null ? [] : [share]));
  const told = used.length === 0 ? 'use not known' : `${rangeOf(used)} used`;
  return `${rangeOf(shares.map(({ allocated }) => allocated))} allocated, ${told}`;
}

function rangeOf(values: readonly number[]): string {
  const least = Math.round(Math.min(...values));
  const most = Math.round(Math.max(...values));
  return least === most ? `${most} %` : `${least} to ${most} %`;
}
