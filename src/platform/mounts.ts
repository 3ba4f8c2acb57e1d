import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Takes away what an engine that was killed has left mounted below a directory, so that it can be removed. */
export async function unmountBelow(directory: string): Promise<void> {
  const root = await realpath(directory);
  const mounts = (await readFile('/proc/self/mounts', 'utf8').catch(() => '')).split('\n');
  const points = mounts.map((line) => unescape(line.split(' ')[1] ?? ''));
  const below = points.filter((point) => point.startsWith(`${root}/`));
  // The last one mounted first: it may lie on another.
  for (const point of below.toReversed()) await run('umount', ['--lazy', point]).catch(() => undefined);
}

/** Spaces and the like stand there as octal numbers. */
function unescape(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}
