/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32, by Tommy Ettinger). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A run time in whole seconds, in milliseconds, for what comes without one: from a minute to a day, each magnitude as likely
 * as the others. Measured run times spread about like this over their magnitudes (Downey, "Using Queue Time Predictions for
 * Processor Allocation", JSSPP 1997, fits them log-uniformly).
 */
export function drawRunTime(random: () => number): number {
  const [shortest, longest] = [60, 86_400];
  return Math.round(shortest * (longest / shortest) ** random()) * 1000;
}
