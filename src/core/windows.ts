/**
 * Maintenance: times at which a node is closed. Nothing is placed that would still run when one begins, as Slurm holds jobs back
 * before a maintenance reservation. Services would never start anywhere then: they are placed until it begins, and moved when it does.
 */
import type { QueuedDeployment, Window } from './model.ts';

/**
 * How long it must be left alone where it is put, in milliseconds: its time limit; for ever without one; not at all where it is moved
 * when that has to be.
 */
export function lastsOf({ timeLimit, isService }: Pick<QueuedDeployment, 'timeLimit' | 'isService'>): number {
  return isService === true ? 0 : (timeLimit ?? Number.POSITIVE_INFINITY);
}

/** When the next window begins that is not over by `at`; infinite where there is none. It may have begun. */
export function closesAt(windows: readonly Window[] | undefined, at: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { from, to } of windows ?? []) if (to > at && from < first) first = from;
  return first;
}

/** May what lasts so long begin at `at`, if the node closes at `closes`? What has no time limit may nowhere where one is planned. */
export function staysOpen(closes: number, at: number, lasts: number): boolean {
  return closes === Number.POSITIVE_INFINITY || (at < closes && at + lasts <= closes);
}

/** The earliest time, from `at` on, at which it may begin: now, or at the end of a window. */
export function opensAt(windows: readonly Window[] | undefined, at: number, lasts: number): number {
  let time = at;
  for (const { to } of (windows ?? []).toSorted((a, b) => a.to - b.to)) {
    if (staysOpen(closesAt(windows, time), time, lasts)) break;
    time = Math.max(time, to);
  }
  return time;
}
