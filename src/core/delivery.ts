/** When a delivery that failed is tried again. */

const firstDelay = 5_000;
const factor = 3;
const longestDelay = 4 * 3_600_000;
/** The first attempt and thirteen more: with the delays between them, about a day. */
const attemptsMax = 14;

/**
 * Milliseconds from the end of attempt number `attempts` (from 1) to the next: exponential, up to a bound. Null where that was the last.
 *
 * `spread`, from 0 to 1, is drawn by the caller and moves it by up to a quarter in either direction, so that those that failed
 * together do not come back together.
 */
export function delayAfter(attempts: number, spread: number): number | null {
  if (attempts >= attemptsMax) return null;
  const delay = Math.min(longestDelay, firstDelay * factor ** (attempts - 1));
  return Math.round(delay * (0.75 + spread / 2));
}
