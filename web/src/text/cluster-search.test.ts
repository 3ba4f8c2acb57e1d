import { describe, expect, it } from 'vitest';
import { validateClusterSearch } from './cluster-search.ts';

describe('what the page of a cluster takes from its address', () => {
  it('keeps what it knows', () => {
    const search = { tab: 'timeline', rows: 'deployments', span: 3600, user: 'u1', range: '24h' };
    expect(validateClusterSearch(search)).toEqual(search);
  });

  it('drops what it does not', () => {
    expect(validateClusterSearch({ tab: 'nonsense', span: 'wide', other: 1, range: '2y' })).toEqual({});
    expect(validateClusterSearch({ span: -5 })).toEqual({});
  });
});
