import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt } from './crypto.ts';

const key = randomBytes(32);

describe('encrypted secrets', () => {
  it('come back with the same key and context', () => {
    expect(decrypt(encrypt('sécret', 'a', key), 'a', key)).toBe('sécret');
    expect(decrypt(encrypt('', 'a', key), 'a', key)).toBe('');
  });

  it('never look the same twice', () => {
    expect(encrypt('secret', 'a', key).equals(encrypt('secret', 'a', key))).toBe(false);
  });

  it('do not open elsewhere, with another key, or changed', () => {
    const sealed = encrypt('secret', 'a', key);
    expect(() => decrypt(sealed, 'b', key)).toThrow();
    expect(() => decrypt(sealed, 'a', randomBytes(32))).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => decrypt(changed, 'a', key)).toThrow();
    }
    expect(() => decrypt(sealed.subarray(0, 20), 'a', key)).toThrow();
  });

  it('need a key of 32 bytes', () => {
    expect(() => encrypt('secret', 'a', Buffer.alloc(16))).toThrow('32 bytes');
  });
});
