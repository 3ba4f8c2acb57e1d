/** Passwords: Argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane). */
import { hash, verify } from '@node-rs/argon2';
import { Turns } from './turns.ts';

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Hashing occupies a thread for some 10 to 20 ms: half of libuv's four stay free for files, compression and names. More than
 * 200 who wait could not be worked off within seconds: they are told to come back.
 */
const turns = new Turns({ atOnce: 2, waiting: 200 });

export function hashPassword(password: string): Promise<string> {
  return turns.take(() => hash(password, parameters));
}

/** Made from random bytes and the same parameters: no password has it, and checking against it takes as long. */
const nobodysHash = '$argon2id$v=19$m=19456,t=2,p=1$Eg0D33nXRkG5UIlbXl0r0Q$AmQ4xEdoNMoeXjY+YtNsrP0oLrk+pyT7GsyXM2ap0Wc';

/**
 * Whether this is the password with that hash. Where there is no user, and so no hash, it takes as long and answers no:
 * the time of the answer does not tell who exists.
 */
export async function isPassword(password: string, storedHash: string | undefined): Promise<boolean> {
  const matches = await turns.take(() => verify(storedHash ?? nobodysHash, password));
  return matches && storedHash !== undefined;
}
