/** A disk that is soon full: memory, mounted. Needs root. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SmallMount {
  readonly dir: string;
  /** Leaves no byte free. */
  fill(): Promise<void>;
  /** Gives it the room again that it had. */
  clear(): Promise<void>;
  /** Only when nobody has a file open there. */
  remove(): Promise<void>;
}

const triesMax = 20;

export async function mountSmall(bytes: number): Promise<SmallMount> {
  const dir = await mkdtemp(join(tmpdir(), 'hv-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'hypervisor-test', dir]);
  const resize = (size: number) => run('mount', ['-o', `remount,size=${size}`, dir]);
  return {
    dir,
    // It shrinks to what is used, since to write it full takes memory that has to come from somewhere, and long.
    async fill() {
      for (let tries = 1; ; tries += 1) {
        const { blocks, bfree, bsize } = await statfs(dir);
        try {
          await resize(Math.max(1, blocks - bfree) * bsize);
          return;
        } catch (error) {
          // Somebody has written since.
          if (tries === triesMax) throw error;
        }
      }
    },
    async clear() {
      await resize(bytes);
    },
    async remove() {
      await run('umount', [dir]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
