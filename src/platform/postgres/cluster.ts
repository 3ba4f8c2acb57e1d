import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import type { Layout } from './layout.ts';
import type { OsUser } from './os-user.ts';

const run = promisify(execFile);

export const superuser = 'hypervisor';

/** The major version that a data directory was made with; null where there is none yet. */
export async function dataMajor(layout: Layout): Promise<number | null> {
  const text = await readFile(join(layout.data, 'PG_VERSION'), 'utf8').catch(() => null);
  return text === null ? null : Number.parseInt(text, 10);
}

/**
 * Makes the data directory, with one superuser whose password is in a file that only its owner can read. A first start that
 * was killed half-way leaves an incomplete directory, which is made anew: nothing was ever stored in it.
 */
export async function initialize(layout: Layout, binaries: Binaries, user: OsUser | null): Promise<void> {
  const password = randomBytes(24).toString('hex');
  const passwordForServer = `${layout.data}.pw`;
  await writeFile(layout.password, password, { mode: 0o600 });
  await writeFile(passwordForServer, password, { mode: 0o600 });
  if (user !== null) await chown(passwordForServer, user.uid, user.gid);
  try {
    const options = [
      '--encoding=UTF8',
      '--locale=C',
      '--auth=scram-sha-256',
      `--username=${superuser}`,
      `--pwfile=${passwordForServer}`,
    ];
    await run(join(binaries.dir, 'initdb'), ['-D', layout.data, ...options], { ...identity(user), cwd: '/' });
  } catch (error) {
    throw new Error(
      `could not make the PostgreSQL data directory: ${(error as { stderr?: string }).stderr ?? String(error)}`,
      { cause: error },
    );
  } finally {
    await rm(passwordForServer, { force: true });
  }
}

/** Whom to run as, for child_process. */
export function identity(user: OsUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}
