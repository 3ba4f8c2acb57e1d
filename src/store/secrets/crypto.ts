/** Secrets that must be read again, such as the passwords of registries: AES-256-GCM with a key from outside the database. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** The first byte: which layout follows. A later one can be told from this one, and both read. */
const version = 1;

/**
 * version (1) | nonce (12) | tag (16) | ciphertext.
 *
 * `context` says what the secret belongs to. It is not stored, but authenticated: a ciphertext that somebody copied into
 * another row does not decrypt there.
 */
export function encrypt(plain: string, context: string, key: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, checkedKey(key), nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Throws where the key or the context is another one, or the bytes were changed. */
export function decrypt(sealed: Buffer, context: string, key: Buffer): string {
  if (sealed[0] !== version) throw new Error(`unknown layout ${sealed[0]} of an encrypted secret`);
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const tag = sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes);
  const ciphertext = sealed.subarray(1 + nonceBytes + tagBytes);
  const decipher = createDecipheriv(algorithm, checkedKey(key), nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}

function checkedKey(key: Buffer): Buffer {
  if (key.length !== keyBytes) throw new Error(`the secret key must have ${keyBytes} bytes, it has ${key.length}`);
  return key;
}
