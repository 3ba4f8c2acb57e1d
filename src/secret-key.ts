import { randomBytes } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const keyBytes = 32;

/**
 * The key that encrypts secrets in the database: 32 bytes, made at the first start, kept in a file beside the database that
 * only its owner can read. Whoever has only the database has no secrets. Throws where the file is not such a key.
 */
export async function readOrMakeSecretKey(dataDir: string): Promise<Buffer> {
  const path = join(dataDir, 'secret.key');
  const made = `${path}.${process.pid}`;
  await writeFile(made, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600 });
  try {
    // A link is made whole or not at all, and never replaces the key that is there.
    await link(made, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(made);
  }
  const key = Buffer.from(await readFile(path, 'utf8'), 'base64');
  if (key.length !== keyBytes) {
    throw new Error(
      `${path} does not hold a key of ${keyBytes} bytes: put back the file that this installation was made with`,
    );
  }
  return key;
}
