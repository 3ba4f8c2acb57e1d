/** What simulated containers do, as their environment says (the variables are listed in ../simulated.ts), whoever keeps them. */
import { constants } from 'node:os';
import {
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type ProbeResult,
  RuntimeError,
} from '../runtime.ts';

type Environment = Readonly<Record<string, string>>;

export const nameOf = ({ deploymentId, attempt, replica, run }: Omit<ContainerKey, 'clusterId'>) =>
  `${deploymentId}/${attempt}/${replica}/${run}`;

/** What a shell says of a program that a signal ended: 128 and the number of the signal. */
export const endedBy = (signal: string) =>
  128 + (constants.signals[signal as NodeJS.Signals] ?? constants.signals.SIGTERM);
export const killed = endedBy('SIGKILL');

/** How it ends by itself, and after how many milliseconds; null: it runs until it is stopped. */
export function endOf({ key, env }: Pick<ContainerSpec, 'key' | 'env'>): {
  readonly runMs: number | null;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
} {
  const outOfMemory = env['SIM_OOM'] === '1';
  const runMs = env['SIM_RUN_MS'] ?? (outOfMemory ? '0' : undefined);
  const codes = (env['SIM_EXIT_CODE'] ?? '0').split(',');
  const exitCode = outOfMemory ? killed : Number(codes[Math.min(key.attempt, codes.length) - 1]);
  return { runMs: runMs === undefined ? null : Number(runMs), exitCode, outOfMemory };
}

export function checkImage(image: string): void {
  if (image.startsWith('missing/')) throw new RuntimeError('image_not_found', `there is no image ${image}`);
}

/** Of one that has run for so many milliseconds. */
export function healthAfter(ranMs: number, env: Environment): ProbeResult {
  const from = Number(env['SIM_WELL_AFTER_MS'] ?? 0);
  const to = Number(env['SIM_UNWELL_AFTER_MS'] ?? Number.POSITIVE_INFINITY);
  if (ranMs < from) return { isWell: false, message: 'it is not up yet' };
  return ranMs < to ? { isWell: true, message: 'it is well' } : { isWell: false, message: 'it is not well any more' };
}

export const linesOf = (text: string | undefined) => text?.split('\n') ?? [];

/** Of one that was made, and not started yet. */
export function createdState(key: ContainerKey, containerId: string): ContainerState {
  return {
    key,
    containerId,
    status: 'created',
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    outOfMemory: false,
    ports: [],
  };
}
