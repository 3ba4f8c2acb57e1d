/**
 * Secrets that we hand out: sessions, API tokens, codes of invites. 256 random bits each, so that a plain SHA-256 keeps
 * them as safe as a slow hash would, and a look-up is one index.
 */
import { createHash, randomBytes } from 'node:crypto';

export const sessionPrefix = 'hvs_';
export const tokenPrefix = 'hvt_';
export const invitePrefix = 'hvi_';

export interface Secret {
  /** Shown once, never stored. */
  readonly plain: string;
  readonly hash: Buffer;
}

/** The prefix tells people, and scanners of leaked secrets, what they have found. */
export function newSecret(prefix: string): Secret {
  const plain = prefix + randomBytes(32).toString('base64url');
  return { plain, hash: hashSecret(plain) };
}

export function hashSecret(plain: string): Buffer {
  return createHash('sha256').update(plain).digest();
}
