/** What many numbers say. All of them null where there are no numbers. */

export type Statistics = Readonly<Record<'mean' | 'p50' | 'p90' | 'p99' | 'max', number | null>>;

export function statisticsOf(values: readonly number[]): Statistics {
  const sorted = ascending(values);
  return {
    mean: meanOf(values),
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p99: percentile(sorted, 99),
    max: percentile(sorted, 100),
  };
}

export function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).toSorted();
}

export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** By nearest rank: always one of the values, and at least so many percent of them are no greater. */
export function percentile(sorted: ArrayLike<number>, percent: number): number | null {
  if (sorted.length === 0) return null;
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[Math.min(rank, sorted.length) - 1] ?? null;
}

/** How alike shares are: 1 where all are equal, 1/n where one has everything (Jain, Chiu and Hawe, DEC TR-301, 1984). */
export function jainIndex(shares: readonly number[]): number | null {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return shares.length === 0 || squares === 0 ? null : (sum * sum) / (shares.length * squares);
}
