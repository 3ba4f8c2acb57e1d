import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { rotateLog } from './files.ts';

export interface ServantOptions {
  /** Gets what it prints: a file, not a pipe, so that it is there to be read when it did not start. */
  readonly log: string;
  /** What tells it to end. */
  readonly signal: 'TERM' | 'INT';
  /** Whom to run it as; default: ourselves. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Becomes the program, and leaves a watcher that waits for the other end of its pipe to close, which the kernel does when a process
 * ends, however it ends. (The kernel's own PDEATHSIG is sent once for each thread of the dying parent, and a dockerd that is
 * told to end three times ends without cleaning up.) The watcher is no child of the program: PostgreSQL minds those that it
 * does not know.
 */
const watched = '( { read -r _ <&3; kill -s "$0" $$; } > /dev/null 2>&1 & ) && exec "$@" 3<&-';

/** Starts a server that is told to end when this process ends or is killed. Resolves to its process id. */
export async function spawnServant(
  executable: string,
  args: readonly string[],
  options: ServantOptions,
): Promise<number> {
  await rotateLog(options.log);
  const log = await open(options.log, 'a', 0o640);
  try {
    const child = spawn('/bin/sh', ['-c', watched, options.signal, executable, ...args], {
      cwd: '/',
      // Of a session of its own: Ctrl-C in the terminal ends us first, and we end it.
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'pipe'],
      ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
    });
    const [, , , pipe] = child.stdio;
    child.once('exit', () => pipe?.destroy());
    await once(child, 'spawn');
    child.unref();
    if (pipe instanceof Socket) pipe.unref();
    if (child.pid === undefined) throw new Error('it has no process id');
    return child.pid;
  } catch (error) {
    throw new Error(`${executable} could not be run: ${String(error)}`, { cause: error });
  } finally {
    await log.close();
  }
}
