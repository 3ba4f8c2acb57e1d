/** The service as a child process, by way of service-process.mjs. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config.ts';

export type ServiceChild = ChildProcessByStdio<Writable, Readable, null>;

const entry = fileURLToPath(new URL('service-process.mjs', import.meta.url));

/** Standard error goes where `log` says: a file descriptor, or ours. Standard input is held open: the service ends when we are gone. */
export function spawnChild(config: Partial<Config>, log: number | 'inherit' = 'inherit'): ServiceChild {
  // What is piped follows from the options; the types do not say so where one of them is a number.
  return spawn(process.execPath, [entry, JSON.stringify(config)], { stdio: ['pipe', 'pipe', log] }) as ServiceChild;
}

export async function spawnProcess(config: Partial<Config>): Promise<{ child: ChildProcess; url: string }> {
  const child = spawnChild(config);
  return { child, url: await untilReady(child) };
}

/** Where it is reached. Throws if it ends before it is ready. */
export async function untilReady(child: ServiceChild): Promise<string> {
  let said = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (http:\S+)$/.exec(line)?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
    said += `${line}\n`;
  }
  throw new Error(`the service ended before it was ready:\n${said}`);
}

export async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
