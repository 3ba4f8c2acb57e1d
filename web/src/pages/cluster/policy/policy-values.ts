import type { Policy, PolicyUpdate } from '../../../../../src/sdk/types.gen.ts';

/** A policy as the form has it: in minutes, hours and days, with a switch where 0 or null means off. */
export interface PolicyValues extends Record<string, unknown> {
  readonly ages: boolean;
  readonly aging_minutes: number | string;
  readonly reservation_minutes: number | string;
  readonly backfill: Policy['backfill'];
  readonly preempts: boolean;
  readonly min_run_minutes: number | string;
  readonly lost_minutes: number | string;
  readonly deletes: boolean;
  readonly retention_days: number | string;
}

const minute = 60;
const hour = 3600;
const day = 24 * hour;

export function valuesOf(policy: Policy): PolicyValues {
  return {
    ages: policy.aging_interval_s > 0,
    aging_minutes: (policy.aging_interval_s || hour) / minute,
    reservation_minutes: policy.reservation_after_s / minute,
    backfill: policy.backfill,
    preempts: policy.preemption.enabled,
    min_run_minutes: policy.preemption.min_run_time_s / minute,
    lost_minutes: policy.lost_after_s / minute,
    deletes: policy.retention_s !== null,
    retention_days: (policy.retention_s ?? 30 * day) / day,
  };
}

export function policyOf(values: PolicyValues): Policy & PolicyUpdate {
  return {
    aging_interval_s: values.ages ? seconds(values.aging_minutes, minute) : 0,
    reservation_after_s: seconds(values.reservation_minutes, minute),
    backfill: values.backfill,
    lost_after_s: seconds(values.lost_minutes, minute),
    retention_s: values.deletes ? Math.round(seconds(values.retention_days, day)) : null,
    preemption: { enabled: values.preempts, min_run_time_s: seconds(values.min_run_minutes, minute) },
  };
}

/** The server takes three decimals. */
const seconds = (typed: number | string, unit: number): number => Math.round(Number(typed) * unit * 1000) / 1000;

const nameOfField: Readonly<Record<string, keyof PolicyValues & string>> = {
  'policy.aging_interval_s': 'aging_minutes',
  'policy.reservation_after_s': 'reservation_minutes',
  'policy.lost_after_s': 'lost_minutes',
  'policy.retention_s': 'retention_days',
  'policy.preemption.min_run_time_s': 'min_run_minutes',
};

export const formNameOf = (field: string): string => nameOfField[field] ?? field;
