import { describe, expect, it } from 'vitest';
import { neededOf } from './needed.ts';

const waits = (id: string, upstreamId: string) => ({ id, upstreamId, name: `name of ${id}` });

describe('which of several deployments others wait for', () => {
  it('names who waits for one and stays', () => {
    const needed = neededOf(['a', 'b'], [waits('x', 'a')]);
    expect([...needed]).toEqual([['a', { kind: 'needed', names: ['name of x'], count: 1 }]]);
  });

  it('does not heed who goes as well', () => {
    expect(neededOf(['a', 'b'], [waits('b', 'a')]).size).toBe(0);
  });

  it('keeps what somebody waits for who cannot go', () => {
    const needed = neededOf(['a', 'b', 'c'], [waits('b', 'a'), waits('x', 'b')]);
    expect([...needed.keys()]).toEqual(['b', 'a']);
    expect(needed.get('a')).toMatchObject({ names: ['name of b'] });
  });

  it('names ten at most, and counts all', () => {
    const needed = neededOf(
      ['a'],
      Array.from({ length: 12 }, (_, i) => waits(`x${i}`, 'a')),
    );
    expect(needed.get('a')?.names).toHaveLength(10);
    expect(needed.get('a')?.count).toBe(12);
  });
});
