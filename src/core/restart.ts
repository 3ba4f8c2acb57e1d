/** Whether and when a replica of a service that has ended is started again, in its place. */

export interface RestartPolicy {
  /** `on_failure`: unless it exited with 0. */
  readonly policy: 'always' | 'on_failure' | 'never';
  /** How often in a row; null: without end. */
  readonly maxRestarts: number | null;
}

const firstBackOffMs = 1_000;
const longestBackOffMs = 300_000;
/** Who ran for so long has recovered: what went before is not held against it. */
const recoveredAfterMs = 600_000;

/** What ended: how, how long it ran, and how often it had been started again in a row before that. */
export interface EndedRun {
  readonly good: boolean;
  readonly ranMs: number;
  readonly restartsInRow: number;
}

export type RestartDecision =
  | { readonly kind: 'restart'; readonly inMs: number; readonly restartsInRow: number }
  /** The policy would, and may not any more. */
  | { readonly kind: 'used_up'; readonly restartsInRow: number }
  | { readonly kind: 'none' };

/** The wait doubles from 1 s to 5 min with each restart in a row, and begins anew after ten minutes of running. */
export function decideRestart(policy: RestartPolicy | null, run: EndedRun): RestartDecision {
  if (policy === null || policy.policy === 'never' || (policy.policy === 'on_failure' && run.good)) {
    return { kind: 'none' };
  }
  const before = run.ranMs >= recoveredAfterMs ? 0 : run.restartsInRow;
  if (policy.maxRestarts !== null && before >= policy.maxRestarts) return { kind: 'used_up', restartsInRow: before };
  return { kind: 'restart', inMs: backOffMs(before), restartsInRow: before + 1 };
}

function backOffMs(restartsInRow: number): number {
  return Math.min(firstBackOffMs * 2 ** restartsInRow, longestBackOffMs);
}
