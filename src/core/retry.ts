/** Which failed attempts of a job are repeated. */
import type { ReasonCode } from './reasons.ts';

export interface RetryPolicy {
  /** How many attempts may follow the first. */
  readonly limit: number;
  /** The failures that are worth another attempt. */
  readonly on: readonly string[];
  /** Of those that exited by themselves, only with one of these codes; empty: with any but 0. */
  readonly exitCodes: readonly number[];
}

/** What an attempt may fail of by itself. */
export const retryableReasons = [
  'exit_nonzero',
  'out_of_memory',
  'container_lost',
  'engine_lost',
  'start_failed',
  'image_not_found',
  'image_pull_denied',
  'image_pull_failed',
  'time_limit',
] as const satisfies readonly ReasonCode[];

/** Where nothing is said: not a time limit, and no image that is not there or not for us, as that would only happen again. */
export const defaultRetryReasons = [
  'exit_nonzero',
  'out_of_memory',
  'container_lost',
  'engine_lost',
  'start_failed',
  'image_pull_failed',
] as const satisfies readonly (typeof retryableReasons)[number][];

interface Failure {
  readonly code: string;
  readonly exitCode: number | null;
}

/** How many retries are left once this failure has been answered with one; null where it is not. */
export function retriesLeft(policy: RetryPolicy | null, used: number, failure: Failure): number | null {
  if (policy === null || used >= policy.limit || !policy.on.includes(failure.code)) return null;
  const { exitCodes } = policy;
  const byItself = failure.code === 'exit_nonzero';
  if (byItself && exitCodes.length > 0 && (failure.exitCode === null || !exitCodes.includes(failure.exitCode)))
    return null;
  return policy.limit - used - 1;
}
