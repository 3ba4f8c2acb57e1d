import { describe, expect, it } from 'vitest';
import { raisedByAge, reasonInWords } from './waiting-words.ts';

describe('why something waits', () => {
  it('is told in words, known or not', () => {
    expect(reasonInWords('fragmented')).toBe('free, but not in one place');
    expect(reasonInWords('some_new_reason')).toBe('some new reason');
  });

  it('tells age from priority', () => {
    expect(raisedByAge({ priority: 50, effective_priority: 48 })).toBe(2);
    expect(raisedByAge({ priority: 50, effective_priority: 50 })).toBe(0);
  });
});
