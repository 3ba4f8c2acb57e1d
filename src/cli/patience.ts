import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/** A control plane is back after a restart in a few seconds; whoever follows something need not begin again for that. */
const patienceMs = 60_000;
const pauseMs = 1000;

/**
 * Asks again while the service can't be reached, for a minute at most, and says so once. For what goes on by itself: the first
 * question of a command is not asked patiently.
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  tell: (message: string) => void = (message) => console.error(message),
  { patience, pause } = { patience: patienceMs, pause: pauseMs },
): Promise<T> {
  const giveUpAt = performance.now() + patience;
  let told = false;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error) || performance.now() > giveUpAt) throw error;
      if (!told) tell(`${error.message}; trying again`);
      told = true;
    }
    await sleep(pause);
  }
}

function isAway(error: unknown): error is CliError {
  return error instanceof CliError && error.exitCode === exitCodes.unreachable;
}
