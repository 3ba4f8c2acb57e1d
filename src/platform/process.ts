import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Whether a process runs, ours or not. One that has ended and was not reaped still has its id (a container's first process may
 * never reap): it does not run any more.
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const state = statOf(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/** Null where it can't be told: the process is gone, or this is not Linux. */
export function parentOf(pid: number): number | null {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? null : Number(parent);
}

/** Sends a signal and waits until the process is gone. */
export async function endProcess(
  pid: number,
  { signal, name, timeoutMs }: { signal: NodeJS.Signals; name: string; timeoutMs: number },
): Promise<void> {
  if (!isRunning(pid)) return;
  process.kill(pid, signal);
  const deadline = Date.now() + timeoutMs;
  while (isRunning(pid)) {
    if (Date.now() > deadline)
      throw new Error(`${name} (process ${pid}) does not end: look into its log, then kill it`);
    await sleep(20);
  }
}

/** The fields of /proc/PID/stat from the state on. The name before them may hold anything, parentheses included. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
