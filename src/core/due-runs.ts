/** Which of a schedule's times that have come are acted upon: now, late, or not at all. */

export const missedPolicies = ['skip', 'run_once', 'run_all'] as const;
/** What becomes of times at which nobody looked: nothing, one run for all of them, or each. */
export type MissedPolicy = (typeof missedPolicies)[number];

/** A time that is acted upon within this is on time, in milliseconds. */
export const onTimeMs = 60_000;

export interface DueRuns {
  /** Run now, in this order. */
  readonly run: readonly number[];
  /** Not run: they were missed. */
  readonly missed: readonly number[];
}

/**
 * Of these times, which have come and are in order, what is run at `now` (milliseconds since the epoch). The latest is run where it is
 * on time, whatever the policy; the policy decides on those that are late. Of more than `max` late ones the latest are run.
 */
export function dueRuns(
  due: readonly number[],
  now: number,
  { missed: policy, max }: { readonly missed: MissedPolicy; readonly max: number },
): DueRuns {
  const latest = due.at(-1);
  const onTime = latest !== undefined && now - latest <= onTimeMs ? [latest] : [];
  const late = due.slice(0, due.length - onTime.length);
  const kept = keptOf(policy, max, onTime.length > 0);
  const run = kept === 0 ? [] : late.slice(-kept);
  return { run: [...run, ...onTime], missed: late.slice(0, late.length - run.length) };
}

/** How many of those that are late are run, the latest of them. */
function keptOf(policy: MissedPolicy, max: number, isOneOnTime: boolean): number {
  if (policy === 'skip') return 0;
  if (policy === 'run_all') return max;
  return isOneOnTime ? 0 : 1;
}
