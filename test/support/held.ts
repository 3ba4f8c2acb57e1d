import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server that another process holds. */
export interface Held<Told> {
  readonly told: Told;
  /** `kill -9` of the process that holds it; resolves once that is gone. */
  kill(): Promise<void>;
  /** Lets it stop the server, and waits until both are gone. */
  release(): Promise<void>;
}

/** Of the current user, or of another one. */
export interface HolderIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** @throws what the process said, where it ended before it held anything. */
export async function hold<Told>(
  kind: 'postgres' | 'engine',
  options: object,
  as?: HolderIdentity,
): Promise<Held<Told>> {
  const entry = fileURLToPath(new URL('hold.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', entry, kind, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(as !== undefined && { uid: as.uid, gid: as.gid, env: { ...process.env, HOME: as.home, TMPDIR: as.home } }),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return {
      told: JSON.parse(line) as Told,
      kill: () => end(child, 'SIGKILL'),
      release: () => end(child, 'SIGTERM'),
    };
  }
  throw new Error(errors);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
