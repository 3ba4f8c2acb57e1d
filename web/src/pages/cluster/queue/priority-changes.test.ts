import { describe, expect, it } from 'vitest';
import { backToBefore, inParts, movedBy } from './priority-changes.ts';

const entries = [
  { deployment_id: 'a', priority: 50 },
  { deployment_id: 'b', priority: 50 },
  { deployment_id: 'c', priority: 1 },
  { deployment_id: 'd', priority: 4 },
];

describe('changing the priority of many', () => {
  it('moves each from where it is, and leaves who is at the end', () => {
    expect(movedBy(entries, -5)).toEqual([
      { priority: 45, ids: ['a', 'b'] },
      { priority: 1, ids: ['d'] },
    ]);
    expect(movedBy([{ deployment_id: 'z', priority: 100 }], 1)).toEqual([]);
  });

  it('is undone for those that were changed', () => {
    expect(backToBefore(entries, new Set(['a', 'd']))).toEqual([
      { priority: 50, ids: ['a'] },
      { priority: 4, ids: ['d'] },
    ]);
  });

  it('comes in parts that the server takes', () => {
    const ids = Array.from({ length: 1201 }, (_, index) => String(index));
    expect(inParts(ids).map(({ length }) => length)).toEqual([500, 500, 201]);
  });
});
