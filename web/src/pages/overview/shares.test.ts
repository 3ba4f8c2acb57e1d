import { describe, expect, it } from 'vitest';
import { rangeInWords, scarcestShares } from './shares.ts';

const sample = { at: '2026-01-01T00:00:00Z', queued: 0, running: 1, total: { ram: 10, cpu: 4, gpu: 0 } };

describe('how full a cluster was', () => {
  it('is told of the dimension that is allocated most, with what is used of that one', () => {
    const allocated = { ram: 2, cpu: 3, gpu: 0 };
    expect(scarcestShares({ ...sample, allocated, used: { ram: 1, cpu: 1, gpu: null } })).toEqual({
      allocated: 75,
      used: 25,
    });
    expect(scarcestShares({ ...sample, allocated, used: { ram: 1, cpu: null, gpu: null } }).used).toBe(null);
  });

  it('is a range in words; use that is nowhere known is said to be unknown', () => {
    const some = { allocated: 10, used: null };
    expect(rangeInWords([some, { allocated: 94, used: 20 }])).toBe('10 to 94 % allocated, 20 % used');
    expect(rangeInWords([some])).toBe('10 % allocated, use not known');
  });
});
