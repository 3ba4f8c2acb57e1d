import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey, type Keyring, makeKeyring } from './store/secrets/keyring.ts';

/** The key that encrypts secrets in the database, and those that may have before. */
export interface SecretKey extends Keyring {
  /** A change was cut off before its end: it should be gone through with. */
  readonly isChanging: boolean;
  /**
   * Changes the key: from now on a new one encrypts; `reEncrypt` writes again what the others have encrypted, all or nothing.
   * Throws what it throws: then both keys go on to be read, and the next change begins where this one ended.
   */
  change<T>(reEncrypt: () => Promise<T>): Promise<T>;
}

/** A key of 32 random bytes that is lost with the process. */
export function secretKeyInMemory(): SecretKey {
  const keys = makeKeyring(newKey());
  return withKeys(
    () => keys,
    () => false,
    {
      async begin() {
        keys.use(newKey());
      },
      end: () => Promise.resolve(),
    },
  );
}

/**
 * The key in a file beside the database that only its owner can read, made at the first start. Whoever has only the database has
 * no secrets. Throws where the file is not such a key.
 *
 * While the key is changed, the next one stands in a file of its own; afterwards the one before does. All that are there are
 * read, so that a crash in between leaves nothing that can't be decrypted. Other processes may use the same directory: whatever is done with
 * the key begins with a look whether the files have changed.
 */
export async function openSecretKey(dataDir: string): Promise<SecretKey> {
  const path = join(dataDir, 'secret.key');
  const next = `${path}.next`;
  const previous = `${path}.previous`;
  await readOrMakeKey(path);
  const keys = followFiles([next, path, previous]);
  let isChanging = (await readKey(next)) !== null;
  return withKeys(keys, () => isChanging, {
    async begin() {
      isChanging = true;
      // On the disk first: what it encrypts must not outlive it.
      await readOrMakeKey(next);
    },
    async end() {
      // At every instant there is a file with the present key.
      await unlink(`${previous}.new`).catch(ignoreMissing);
      await link(path, `${previous}.new`);
      await rename(`${previous}.new`, previous);
      await rename(next, path);
      isChanging = false;
    },
  });
}

/** The keys in those of the files that are there: the first encrypts. Once read, files that are gone or damaged change nothing. */
function followFiles(paths: readonly string[]): () => Keyring {
  let seen = stateOf(paths);
  let keys = keyringIn(paths);
  return () => {
    const state = stateOf(paths);
    if (state === seen) return keys;
    try {
      keys = keyringIn(paths);
      seen = state;
    } catch {
      // In the middle of being copied, say: the next look may find it whole.
    }
    return keys;
  };
}

/** Another file of the same name is another one, whatever its time. */
function stateOf(paths: readonly string[]): string {
  const found = paths.map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return found.map((file) => `${file?.ino} ${file?.mtimeNs} ${file?.size}`).join('\n');
}

function keyringIn(paths: readonly string[]): Keyring {
  const [current, ...others] = paths.flatMap((path) => {
    const text = statSync(path, { throwIfNoEntry: false }) === undefined ? null : readFileSync(path, 'utf8');
    return text === null ? [] : [parseKey(path, text)];
  });
  if (current === undefined) throw new Error(`there is no key in ${paths.join(', ')}`);
  return makeKeyring(current, others);
}

/** The files that a data directory may have keys in, the present one first. */
export const keyFileNames = ['secret.key', 'secret.key.next', 'secret.key.previous'] as const;

/** The keys that are there, by the names of their files; none is made. Throws as above. */
export async function readKeyFiles(dataDir: string): Promise<ReadonlyMap<string, Buffer>> {
  const keys = new Map<string, Buffer>();
  for (const name of keyFileNames) {
    const key = await readKey(join(dataDir, name));
    if (key !== null) keys.set(name, key);
  }
  return keys;
}

/** Puts a key where none is. */
export async function writeKeyFile(dataDir: string, name: string, key: Buffer): Promise<void> {
  await makeKeyFile(join(dataDir, name), key);
}

interface Steps {
  begin(): Promise<void>;
  end(): Promise<void>;
}

function withKeys(keys: () => Keyring, isChanging: () => boolean, steps: Steps): SecretKey {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    get current() {
      return keys().current;
    },
    get all() {
      return keys().all;
    },
    get isChanging() {
      return isChanging();
    },
    change(reEncrypt) {
      const changed = turn.then(async () => {
        await steps.begin();
        const result = await reEncrypt();
        await steps.end();
        return result;
      });
      turn = changed.catch(() => undefined);
      return changed;
    },
  };
}

const newKey = () => randomBytes(32);

async function readOrMakeKey(path: string): Promise<Buffer> {
  await makeKeyFile(path, newKey());
  const key = await readKey(path);
  if (key === null) throw new Error(`${path} was removed while it was read`);
  return key;
}

/** Leaves the one that is there. */
async function makeKeyFile(path: string, key: Buffer): Promise<void> {
  const made = `${path}.${randomUUID()}`;
  const file = await open(made, 'w', 0o600);
  try {
    await file.writeFile(`${key.toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link is made whole or not at all, and never replaces the key that is there.
    await link(made, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(made);
  }
}

/** Null where there is no such file. */
async function readKey(path: string): Promise<Buffer | null> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing);
  return text === undefined ? null : parseKey(path, text);
}

function parseKey(path: string, text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (!isKey(key)) {
    throw new Error(`${path} does not hold a key of 32 bytes: put back the file that this installation was made with`);
  }
  return key;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
