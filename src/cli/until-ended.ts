import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment, DeploymentDetail } from '../sdk/index.ts';

const everyMs = 500;
const ends = new Set(['succeeded', 'failed', 'cancelled']);

/** Asks until it has ended, and tells each time its status or the reason for waiting has changed. */
export async function untilEnded(
  read: () => Promise<DeploymentDetail>,
  tell: (message: string) => void,
): Promise<Deployment> {
  let last = '';
  for (;;) {
    const deployment = await read();
    if (ends.has(deployment.status)) return deployment;
    const why = deployment.waiting?.message ?? deployment.reason ?? '';
    const message = `${deployment.name} is ${deployment.status}${why === '' ? '' : `: ${why}`}`;
    if (message !== last) tell(message);
    last = message;
    await sleep(everyMs);
  }
}
