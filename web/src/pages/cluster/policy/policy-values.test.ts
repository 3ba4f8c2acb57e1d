import { describe, expect, it } from 'vitest';
import { policyOf, valuesOf } from './policy-values.ts';

const policy = {
  aging_interval_s: 600,
  reservation_after_s: 90,
  backfill: 'learned' as const,
  lost_after_s: 45.5,
  retention_s: 7 * 86_400,
  preemption: { enabled: true, min_run_time_s: 5 },
};

describe('the form of a policy', () => {
  it('gives back what it was given', () => {
    expect(policyOf(valuesOf(policy))).toEqual(policy);
    const off = { ...policy, aging_interval_s: 0, retention_s: null };
    expect(policyOf(valuesOf(off))).toEqual(off);
  });

  it('takes off what is switched off, whatever stands in its field', () => {
    const values = { ...valuesOf(policy), ages: false, deletes: false };
    expect(policyOf(values)).toMatchObject({ aging_interval_s: 0, retention_s: null });
  });
});
