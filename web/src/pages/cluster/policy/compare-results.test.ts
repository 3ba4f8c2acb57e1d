import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../../../src/sdk/types.gen.ts';
import { compareResults } from './compare-results.ts';

function place(id: string): Decision {
  return {
    decision: 'place',
    deployment_id: id,
    name: `name-${id}`,
    position: 1,
    priority: 50,
    effective_priority: 50,
    promoted: false,
    backfilled: false,
    placements: [],
  };
}

describe('two plans beside each other', () => {
  it('names who starts by one only', () => {
    const current = { decisions: [place('a'), place('b')] };
    const changed = { decisions: [place('b'), place('c')] };
    expect(compareResults(current, changed)).toEqual({ gained: ['name-c'], lost: ['name-a'] });
  });
});
