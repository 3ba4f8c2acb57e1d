/** Passwords: Argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane). */
import { hash, verify } from '@node-rs/argon2';

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashing occupies a thread for some 20 ms: half of libuv's four stay free for files, compression and names. */
const maxAtOnce = 2;
const maxWaiting = 200;

/** More sign-ins at once than can be worked off soon. The API answers 429. */
export class TooManyPasswords extends Error {
  readonly statusCode = 429;
}

let active = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (active >= maxAtOnce) {
    if (waiting.length >= maxWaiting) throw new TooManyPasswords('too many passwords to check at once');
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  } else {
    active += 1;
  }
  try {
    return await work();
  } finally {
    // The turn goes to the next in line, or is given back.
    const next = waiting.shift();
    if (next === undefined) active -= 1;
    else next();
  }
}

export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password, parameters));
}

/** Made from random bytes and the same parameters: no password has it, and checking against it takes as long. */
const nobodysHash = 
  '$argon2id$v=19$m=19456,t=2,p=1$Eg0D33nXRkG5UIlbXl0r0Q$AmQ4xEdoNMoeXjY+YtNsrP0oLrk+pyT7GsyXM2ap0Wc';

/**
 * Whether this is the password with that hash. Where there is no user, and so no hash, it takes as long and answers no:
 * the time of the answer does not tell who exists.
 */
export async function isPassword(password: string, storedHash: string | undefined): Promise<boolean> {
  const matches = await inTurn(() => verify(storedHash ?? nobodysHash, password));
  return matches && storedHash !== undefined;
}
