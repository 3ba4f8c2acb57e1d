import { describe, expect, it } from 'vitest';
import { qualityInWords } from './quality.ts';

describe('how good a plan is', () => {
  const plan = { admitted: 8, bound: 10, gap: 2, proven_optimal: false, solver: 'no_answer' as const };

  it('says the most that could be', () => {
    expect(qualityInWords(plan)).toBe(
      'At most 10 could be admitted, 2 more, if at all. The exact solver had no answer in its time.',
    );
  });

  it('says that it is the best, and who found it', () => {
    expect(qualityInWords({ ...plan, gap: 0, bound: 8, proven_optimal: true, solver: 'better' })).toBe(
      'No more could have been admitted. The exact solver found it.',
    );
  });

  it('does not judge what was not written down', () => {
    expect(qualityInWords({ ...plan, bound: null, gap: null, proven_optimal: null, solver: null })).toContain(
      'not written',
    );
  });
});
