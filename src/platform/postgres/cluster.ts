import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isRunning } from '../process.ts';
import type { Binaries } from './binaries.ts';
import { type Layout, passwordFile } from './layout.ts';
import { identity, type OsUser } from './os-user.ts';

const run = promisify(execFile);

export const superuser = 'hypervisor';

const unfinished = /^new-(\d+)$/;

/** The major version that a data directory was made with; null where there is none yet. */
export async function dataMajor(layout: Layout): Promise<number | null> {
  const text = await readFile(join(layout.data, 'PG_VERSION'), 'utf8').catch(() => null);
  return text === null ? null : Number.parseInt(text, 10);
}

/**
 * Makes the data directory, with one superuser whose password is in a file that only its owner can read.
 *
 * It is made under another name and then renamed: a first start that is killed half-way leaves none, and of two first starts at
 * the same time one wins and the other uses what that has made.
 */
export async function initialize(layout: Layout, binaries: Binaries, user: OsUser | null): Promise<void> {
  await removeUnfinished(layout);
  const made = join(layout.root, `new-${process.pid}`);
  const password = `${made}.password`;
  try {
    await mkdir(made, { mode: 0o700 });
    await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600 });
    if (user !== null) for (const path of [made, password]) await chown(path, user.uid, user.gid);
    await initdb(binaries, made, password, user);
    await rename(password, join(made, passwordFile));
    await rename(made, layout.data);
  } catch (error) {
    // ENOTEMPTY, EEXIST: somebody else was quicker.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    for (const path of [made, password]) await rm(path, { recursive: true, force: true });
  }
}

async function initdb(binaries: Binaries, dir: string, password: string, user: OsUser | null): Promise<void> {
  const options = [
    '--encoding=UTF8',
    '--locale=C',
    '--auth=scram-sha-256',
    `--username=${superuser}`,
    `--pwfile=${password}`,
  ];
  try {
    await run(join(binaries.dir, 'initdb'), ['-D', dir, ...options], { ...identity(user), cwd: '/' });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr || String(error);
    throw new Error(
      `PostgreSQL could not make its data directory (is the disk full?); DATABASE_URL would use another server:\n${said}`,
      { cause: error },
    );
  }
}

/** What first starts that were killed have left. */
async function removeUnfinished(layout: Layout): Promise<void> {
  for (const name of await readdir(layout.root)) {
    const pid = unfinished.exec(name.replace(/\.password$/, ''))?.[1];
    if (pid !== undefined && (Number(pid) === process.pid || !isRunning(Number(pid))))
      await rm(join(layout.root, name), { recursive: true, force: true });
  }
}
