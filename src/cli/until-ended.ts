import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment, DeploymentDetail } from '../sdk/index.ts';
import { patiently } from './patience.ts';

const everyMs = 500;
export const ends: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'skipped']);

/** Asks until it has ended, and tells each time its status or the reason for waiting has changed. */
export async function untilEnded(
  read: () => Promise<DeploymentDetail>,
  tell: (message: string) => void,
): Promise<Deployment> {
  let last = '';
  for (let deployment = await read(); ; deployment = await patiently(read, tell)) {
    if (ends.has(deployment.status)) return deployment;
    const why = deployment.waiting?.message ?? deployment.reason ?? '';
    const message = `${deployment.name} is ${deployment.status}${why === '' ? '' : `: ${why}`}`;
    if (message !== last) tell(message);
    last = message;
    await sleep(everyMs);
  }
}
