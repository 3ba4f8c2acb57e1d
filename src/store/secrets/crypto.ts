/** Secrets that must be read again, such as the passwords of registries: AES-256-GCM with a key from outside the database. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Keyring, keyId } from './keyring.ts';

const algorithm = 'aes-256-gcm';
const idBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
/** The first byte: which layout follows. The first layout had no id of the key; both are read. */
const layouts = { withoutId: 1, withId: 2 } as const;

/** None of the keys opens it, it belongs elsewhere, or it was changed. */
export class CannotDecrypt extends Error {}

/**
 * layout (1) | id of the key (4) | nonce (12) | tag (16) | ciphertext.
 *
 * `context` says what the secret belongs to. It is not stored, but authenticated: a ciphertext that somebody copied into
 * another row does not decrypt there.
 */
export function encrypt(plain: string | Buffer, context: string, { current }: Keyring): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, current, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from([layouts.withId]), keyId(current), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Throws `CannotDecrypt` where none of the keys encrypted it, the context is another one, or the bytes were changed. */
export function decrypt(sealed: Buffer, context: string, keys: Keyring): string {
  return decryptBytes(sealed, context, keys).toString('utf8');
}

/** The same for what is no text. */
export function decryptBytes(sealed: Buffer, context: string, keys: Keyring): Buffer {
  const layout = sealed[0];
  if (layout !== layouts.withoutId && layout !== layouts.withId) {
    throw new CannotDecrypt(`unknown layout ${layout} of an encrypted secret`);
  }
  const candidates = layout === layouts.withId ? keys.all.filter((key) => isSealedWith(sealed, key)) : keys.all;
  const body = sealed.subarray(layout === layouts.withId ? 1 + idBytes : 1);
  if (candidates.length === 0) throw new CannotDecrypt('a secret was encrypted with a key that is not there');
  let cause: unknown;
  for (const key of candidates) {
    try {
      return open(body, context, key);
    } catch (error) {
      cause = error;
    }
  }
  throw new CannotDecrypt('a secret does not open with the key that it was encrypted with', { cause });
}

/** Whether the key is the one that encrypted it, by the id beside the ciphertext; false where there is none. */
export function isSealedWith(sealed: Buffer, key: Buffer): boolean {
  return sealed[0] === layouts.withId && sealed.subarray(1, 1 + idBytes).equals(keyId(key));
}

function open(body: Buffer, context: string, key: Buffer): Buffer {
  const nonce = body.subarray(0, nonceBytes);
  const tag = body.subarray(nonceBytes, nonceBytes + tagBytes);
  const ciphertext = body.subarray(nonceBytes + tagBytes);
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
