import { describe, expect, it, vi } from 'vitest';
import type { Principal } from '../store/principal.ts';
import { PrincipalCache } from './auth-principals.ts';

const principal: Principal = {
  userId: 'u',
  username: 'u',
  organizationId: null,
  role: null,
  sessionId: 's',
  tokenId: null,
  operator: false,
};

function deferred() {
  let resolve!: (found: Principal | null) => void;
  const promise = new Promise<Principal | null>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('the cache of principals', () => {
  it('asks once for many requests', async () => {
    const cache = new PrincipalCache();
    const load = vi.fn(() => Promise.resolve(principal));
    await Promise.all([cache.get('a', load), cache.get('a', load), cache.get('a', load)]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('forgets after a second', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const cache = new PrincipalCache();
    const load = vi.fn(() => Promise.resolve(principal));
    await cache.get('a', load);
    vi.advanceTimersByTime(1000);
    await cache.get('a', load);
    expect(load).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it('after a revocation never answers from a look-up that began before it', async () => {
    const cache = new PrincipalCache();
    const old = deferred();
    const before = cache.get('a', () => old.promise);
    cache.clear();
    const after = cache.get('a', () => Promise.resolve(null));
    old.resolve(principal);
    expect(await before).toBe(principal);
    expect(await after).toBeNull();
    expect(await cache.get('a', () => Promise.resolve(null))).toBeNull();
  });

  it('remembers neither unknown secrets nor failures', async () => {
    const cache = new PrincipalCache();
    expect(await cache.get('a', () => Promise.resolve(null))).toBeNull();
    expect(await cache.get('a', () => Promise.resolve(principal))).toBe(principal);
    await expect(cache.get('b', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(await cache.get('b', () => Promise.resolve(principal))).toBe(principal);
  });
});
