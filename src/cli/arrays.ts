/** Arrays, as people read them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeploymentArray } from '../sdk/index.ts';
import { exitCodes } from './exit-codes.ts';
import { status } from './output.ts';
import { patiently } from './patience.ts';

const everyMs = 500;

/** "train[0-19]". */
export function arrayName({ name, count }: Pick<DeploymentArray, 'name' | 'count'>): string {
  return `${name}[0-${count - 1}]`;
}

/** "3 running, 17 queued"; those that there are none of are left out. */
export function countsInWords({ counts }: Pick<DeploymentArray, 'counts'>): string {
  const order = ['running', 'starting', 'stopping', 'queued', 'failed', 'cancelled', 'skipped', 'succeeded'] as const;
  return order.flatMap((one) => (counts[one] === 0 ? [] : [`${counts[one]} ${status(one)}`])).join(', ');
}

function isOpen({ counts }: Pick<DeploymentArray, 'counts'>): boolean {
  return counts.queued + counts.starting + counts.running + counts.stopping > 0;
}

/** Asks until all of it has ended, and tells each time that the counts have changed. */
export async function untilArrayEnded(
  read: () => Promise<DeploymentArray>,
  tell: (message: string) => void,
): Promise<DeploymentArray> {
  let last = '';
  for (let array = await read(); ; array = await patiently(read, tell)) {
    if (!isOpen(array)) return array;
    const message = `${arrayName(array)}: ${countsInWords(array)}`;
    if (message !== last) tell(message);
    last = message;
    await sleep(everyMs);
  }
}

/** An array has no exit code of its own: it went well where all of it did. */
export function exitCodeOfArray({ counts, count }: DeploymentArray): number {
  return counts.succeeded === count ? exitCodes.ok : exitCodes.failure;
}
