import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CannotDecrypt, decrypt, decryptBytes, encrypt, isSealedWith } from './crypto.ts';
import { makeKeyring } from './keyring.ts';

const key = randomBytes(32);
const keys = makeKeyring(key);

describe('encrypted secrets', () => {
  it('come back with the same key and context', () => {
    expect(decrypt(encrypt('sécret', 'a', keys), 'a', keys)).toBe('sécret');
    expect(decrypt(encrypt('', 'a', keys), 'a', keys)).toBe('');
    const bytes = randomBytes(300);
    expect(decryptBytes(encrypt(bytes, 'a', keys), 'a', keys).equals(bytes)).toBe(true);
  });

  it('never look the same twice', () => {
    expect(encrypt('secret', 'a', keys).equals(encrypt('secret', 'a', keys))).toBe(false);
  });

  it('do not open elsewhere, with another key, or changed', () => {
    const sealed = encrypt('secret', 'a', keys);
    expect(() => decrypt(sealed, 'b', keys)).toThrow();
    expect(() => decrypt(sealed, 'a', makeKeyring(randomBytes(32)))).toThrow('a key that is not there');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => decrypt(changed, 'a', keys)).toThrow(CannotDecrypt);
    }
    expect(() => decrypt(sealed.subarray(0, 20), 'a', keys)).toThrow();
  });

  it('need a key of 32 bytes', () => {
    expect(() => makeKeyring(Buffer.alloc(16))).toThrow('32 bytes');
  });

  it('open with the key before the present one, which encrypts nothing any more', () => {
    const changing = makeKeyring(key);
    const before = encrypt('secret', 'a', changing);
    const next = randomBytes(32);
    changing.use(next);
    const after = encrypt('secret', 'a', changing);
    expect([decrypt(before, 'a', changing), decrypt(after, 'a', changing)]).toEqual(['secret', 'secret']);
    expect([isSealedWith(before, key), isSealedWith(after, key), isSealedWith(after, next)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('of the first layout, without an id of the key, open with whichever key it was', () => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from('a'));
    const ciphertext = Buffer.concat([cipher.update('old'), cipher.final()]);
    const sealed = Buffer.concat([Buffer.from([1]), nonce, cipher.getAuthTag(), ciphertext]);
    expect(decrypt(sealed, 'a', makeKeyring(randomBytes(32), [key]))).toBe('old');
    expect(isSealedWith(sealed, key)).toBe(false);
    expect(() => decrypt(sealed, 'a', makeKeyring(randomBytes(32)))).toThrow();
  });
});
