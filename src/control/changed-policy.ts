import type { Policy } from '../core/model.ts';
import type { PolicyChange } from '../store/clusters.ts';

type Rules = Omit<Policy, 'maxAdmissions'>;

/**
 * The rules of a pass after a change of the policy; what the change does not name stays. `storedMinRunTime` is in milliseconds: it is
 * known where preemption is off, too.
 */
export function changedPolicy(
  { backfill, preemption, ...rules }: Rules,
  change: PolicyChange,
  storedMinRunTime: number,
): Rules {
  const { agingIntervalSeconds, reservationAfterSeconds } = change;
  const chosen = change.backfill ?? backfill ?? 'largest_set';
  const preempts = change.preemption ?? preemption !== undefined;
  const asked = change.preemptionMinRunTimeSeconds;
  const minRunTime = asked === undefined ? storedMinRunTime : Math.round(asked * 1000);
  return {
    ...rules,
    ...(agingIntervalSeconds !== undefined && { agingInterval: Math.round(agingIntervalSeconds * 1000) }),
    ...(reservationAfterSeconds !== undefined && { reservationAfter: Math.round(reservationAfterSeconds * 1000) }),
    ...(chosen === 'learned' && { backfill: chosen }),
    ...(preempts && { preemption: { minRunTime } }),
  };
}
