/** The keys that encrypt secrets in the database. Each has an id that stands beside what it encrypted. */
import { createHash } from 'node:crypto';

const keyBytes = 32;
const idBytes = 4;

/** What is written is encrypted with `current`; what is read may have been encrypted with any of them. */
export interface Keyring {
  readonly current: Buffer;
  /** The current one among them. Two while, and after, the key is changed. */
  readonly all: readonly Buffer[];
}

/** A keyring whose key can be changed while it is in use. */
export interface ChangingKeyring extends Keyring {
  /** From now on this one encrypts; the others go on to decrypt. */
  use(key: Buffer): void;
}

/** Throws where one of them is no key. */
export function makeKeyring(current: Buffer, others: readonly Buffer[] = []): ChangingKeyring {
  let keys = distinct([current, ...others]);
  return {
    get current() {
      return keys[0] ?? current;
    },
    get all() {
      return keys;
    },
    use(key) {
      keys = distinct([key, ...keys]);
    },
  };
}

function distinct(keys: readonly Buffer[]): Buffer[] {
  for (const key of keys) checkKey(key);
  return keys.filter((key, index) => keys.findIndex((one) => one.equals(key)) === index);
}

/** Tells keys apart, and tells nothing of them: four bytes of a hash. */
export function keyId(key: Buffer): Buffer {
  return createHash('sha256').update('hypervisor secret key id\0').update(key).digest().subarray(0, idBytes);
}

export function isKey(key: Buffer): boolean {
  return key.length === keyBytes;
}

function checkKey(key: Buffer): void {
  if (!isKey(key)) throw new Error(`the secret key must have ${keyBytes} bytes, it has ${key.length}`);
}
