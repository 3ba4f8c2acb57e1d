import { describe, expect, it } from 'vitest';
import { hashPassword, isPassword } from './passwords.ts';

describe('passwords', () => {
  it('are kept as Argon2id with the parameters of OWASP', async () => {
    expect(await hashPassword('tidal-otter-brass')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('are told from others', async () => {
    const stored = await hashPassword('tidal-otter-brass');
    expect(await isPassword('tidal-otter-brass', stored)).toBe(true);
    expect(await isPassword('tidal-otter-bras', stored)).toBe(false);
  });

  it('take as long to refuse where there is no user', async () => {
    const stored = await hashPassword('tidal-otter-brass');
    expect(await isPassword('wrong password', undefined)).toBe(false);
    let known = Number.POSITIVE_INFINITY;
    let unknown = Number.POSITIVE_INFINITY;
    // In turns, and the least of each: what else the machine does only ever adds.
    for (let round = 0; round < 10; round += 1) {
      known = Math.min(known, await timeMs(() => isPassword('wrong password', stored)));
      unknown = Math.min(unknown, await timeMs(() => isPassword('wrong password', undefined)));
    }
    // Without the check it would be a hundredth.
    expect(unknown / known).toBeGreaterThan(1 / 3);
    expect(unknown / known).toBeLessThan(3);
  });

  it('are all checked, however many come at once', async () => {
    const stored = await hashPassword('tidal-otter-brass');
    const answers = await Promise.all(Array.from({ length: 12 }, () => isPassword('tidal-otter-brass', stored)));
    expect(answers.every(Boolean)).toBe(true);
  });
});

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
