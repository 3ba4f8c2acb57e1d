import { realpath } from 'node:fs/promises';
import { type Mount, RuntimeError } from '../runtime.ts';

type HostMount = Extract<Mount, { kind: 'host' }>;

/**
 * What a host path leads to, over all links: it must lie in the allowed directory, or a container that writes there could make a
 * link and have anything mounted next time. Only this machine's links can be followed: on an engine elsewhere nothing below an
 * allowed directory is mounted. Between this look and the mount a link may still change: see docs/data.md.
 */
export async function resolveHostPath({ hostPath, within }: HostMount, isLocal: boolean): Promise<string> {
  if (hostPath === within) return hostPath;
  if (!isLocal) {
    throw new RuntimeError(
      'start_failed',
      `${hostPath} is on another machine, where its links can't be followed: use ${within}, or allow the directory itself`,
    );
  }
  const [found, root] = await Promise.all([resolved(hostPath), resolved(within)]);
  if (found === root || found.startsWith(root === '/' ? '/' : `${root}/`)) return found;
  throw new RuntimeError('start_failed', `${hostPath} leads out of ${within}, which is all that the cluster allows`);
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? `there is no ${path} on the engine's machine` : `${path} can't be followed (${code})`;
    throw new RuntimeError('start_failed', why);
  }
}
