import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Load } from './submit-client.ts';

export interface Submitted {
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Milliseconds of each request. */
  readonly tookMs: readonly number[];
}

/** Runs the client in a process of its own. */
export async function runSubmitClient(load: Load): Promise<Submitted> {
  const path = fileURLToPath(new URL('submit-client.ts', import.meta.url));
  const client = fork(path, [JSON.stringify(load)], { execArgv: process.execArgv });
  const [message] = (await Promise.race([once(client, 'message'), failed(client)])) as [Submitted];
  return message;
}

async function failed(client: ReturnType<typeof fork>): Promise<never> {
  const [code] = (await once(client, 'exit')) as [number | null];
  // The message may be on its way still.
  await new Promise((resolve) => setTimeout(resolve, 500));
  throw new Error(`the client ended with ${code}`);
}
