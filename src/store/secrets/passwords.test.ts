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
    const known = await fastestMs(() => isPassword('wrong password', stored));
    const unknown = await fastestMs(() => isPassword('wrong password', undefined));
    expect(await isPassword('wrong password', undefined)).toBe(false);
    expect(unknown / known).toBeGreaterThan(0.5);
    expect(unknown / known).toBeLessThan(2);
  });

  it('are all checked, however many come at once', async () => {
    const stored = await hashPassword('tidal-otter-brass');
    const answers = await Promise.all(Array.from({ length: 12 }, () => isPassword('tidal-otter-brass', stored)));
    expect(answers.every(Boolean)).toBe(true);
  });

  it('are refused once too many wait', async () => {
    const stored = await hashPassword('tidal-otter-brass');
    const answers = await Promise.allSettled(Array.from({ length: 210 }, () => isPassword('x', stored)));
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(8);
  });
});

/** The least of several: what else the machine does only ever adds. */
async function fastestMs(work: () => Promise<unknown>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    await work();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}
