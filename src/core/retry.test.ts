import { describe, expect, test } from 'vitest';
import { defaultRetryReasons, type RetryPolicy, retriesLeft } from './retry.ts';

const policy: RetryPolicy = { limit: 3, on: defaultRetryReasons, exitCodes: [] };
const exited = (exitCode: number) => ({ code: 'exit_nonzero', exitCode });

describe('retries', () => {
  test('are counted down to none', () => {
    expect([0, 1, 2, 3, 4].map((used) => retriesLeft(policy, used, exited(1)))).toEqual([2, 1, 0, null, null]);
  });

  test('are for the reasons that were named', () => {
    expect(retriesLeft(policy, 0, { code: 'out_of_memory', exitCode: 137 })).toBe(2);
    expect(retriesLeft(policy, 0, { code: 'time_limit', exitCode: 143 })).toBeNull();
    expect(retriesLeft(policy, 0, { code: 'image_not_found', exitCode: null })).toBeNull();
    expect(retriesLeft({ ...policy, on: ['time_limit'] }, 0, { code: 'time_limit', exitCode: 143 })).toBe(2);
  });

  test('are for the exit codes that were named, of those that exited by themselves', () => {
    const only75: RetryPolicy = { ...policy, exitCodes: [75] };
    expect(retriesLeft(only75, 0, exited(75))).toBe(2);
    expect(retriesLeft(only75, 0, exited(1))).toBeNull();
    expect(retriesLeft(only75, 0, { code: 'out_of_memory', exitCode: 137 })).toBe(2);
    expect(retriesLeft(only75, 0, { code: 'container_lost', exitCode: null })).toBe(2);
  });

  test('there are none where none were asked for', () => {
    expect(retriesLeft(null, 0, exited(1))).toBeNull();
    expect(retriesLeft({ ...policy, limit: 0 }, 0, exited(1))).toBeNull();
  });
});
