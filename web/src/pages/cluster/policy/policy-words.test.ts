import { describe, expect, it } from 'vitest';
import { policyInWords } from './policy-words.ts';

const policy = {
  aging_interval_s: 3600,
  reservation_after_s: 600,
  backfill: 'largest_set' as const,
  lost_after_s: 60,
  retention_s: null,
  preemption: { enabled: false, min_run_time_s: 0 },
};

const textOf = (changed: object, title: string) =>
  policyInWords({ ...policy, ...changed }).find((rule) => rule.title === title)?.text;

describe('a policy in sentences', () => {
  it('says what waiting does', () => {
    expect(textOf({}, 'Age')).toContain('as 40 after 10 h');
    expect(textOf({ aging_interval_s: 0 }, 'Age')).toContain('does not make anything more urgent');
  });

  it('says what is stopped, and what is spared', () => {
    const title = 'Stopping for what is more urgent';
    expect(textOf({}, title)).toBe('What runs is left alone, whatever waits.');
    expect(textOf({ preemption: { enabled: true, min_run_time_s: 90 } }, title)).toContain('run for 1 min 30 s');
  });

  it('says what is kept', () => {
    expect(textOf({}, 'What has ended')).toContain('until somebody deletes them');
    expect(textOf({ retention_s: 86_400 }, 'What has ended')).toContain('1 d after');
  });
});
