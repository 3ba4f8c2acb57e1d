import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { exists, rotateLog } from './files.ts';

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'];

export interface ServantOptions {
  /** Gets what it prints: a file, not a pipe, so that it is there to be read when it did not start. */
  readonly log: string;
  /** What tells it to end. */
  readonly signal: 'TERM' | 'INT';
  /** Whom to run it as; default: ourselves. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Starts a server that is to live no longer than this process: the kernel tells it to end, should we be killed (where there is no
 * setpriv, it is left to the next start). Resolves to its process id.
 *
 * @throws where the program can't be run at all.
 */
export async function spawnServant(
  executable: string,
  args: readonly string[],
  options: ServantOptions,
): Promise<number> {
  const wrapper = await findSetpriv();
  const wrapped = wrapper === null ? [] : ['--pdeathsig', options.signal, executable];
  await rotateLog(options.log);
  const log = await open(options.log, 'a', 0o640);
  try {
    const child = spawn(wrapper ?? executable, [...wrapped, ...args], {
      cwd: '/',
      // Of a session of its own: Ctrl-C in the terminal ends us first, and we end it.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
    });
    await once(child, 'spawn');
    child.unref();
    if (child.pid === undefined) throw new Error('no process');
    return child.pid;
  } catch (error) {
    throw new Error(`${executable} could not be run: ${String(error)}`, { cause: error });
  } finally {
    await log.close();
  }
}

async function findSetpriv(): Promise<string | null> {
  for (const path of setpriv) if (await exists(path)) return path;
  return null;
}
