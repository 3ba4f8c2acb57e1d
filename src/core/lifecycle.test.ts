import { describe, expect, test } from 'vitest';
import {
  activeStatuses,
  canTransition,
  causesOf,
  type DeploymentStatus,
  finalStatuses,
  isActive,
  isFinal,
  statuses,
  transitions,
} from './lifecycle.ts';
import { reasons, reasonText } from './reasons.ts';

/** Written out once more, by hand: every pair that is legal. Whatever is not here is not. */
const legal: Readonly<Record<DeploymentStatus, readonly DeploymentStatus[]>> = {
  queued: ['starting', 'cancelled', 'skipped'],
  starting: ['running', 'stopping', 'succeeded', 'failed', 'queued'],
  running: ['stopping', 'succeeded', 'failed', 'queued'],
  stopping: ['succeeded', 'failed', 'cancelled', 'queued'],
  succeeded: ['queued'],
  failed: ['queued'],
  cancelled: ['queued'],
  skipped: ['queued'],
};

describe('transitions', () => {
  for (const from of statuses) {
    for (const to of statuses) {
      const isLegal = legal[from].includes(to);
      test(`${from} to ${to} is ${isLegal ? 'legal' : 'illegal'}`, () => {
        expect(canTransition(from, to)).toBe(isLegal);
        expect(causesOf(from, to).length > 0).toBe(isLegal);
      });
    }
  }

  test('every cause is a reason that is written down', () => {
    const causes = statuses.flatMap((from) => statuses.flatMap((to) => causesOf(from, to)));
    expect(causes.filter((cause) => !(cause in reasons))).toEqual([]);
    expect(Object.keys(transitions)).toEqual([...statuses]);
  });

  test('a status is queued, active or final', () => {
    expect(statuses.filter((status) => !isActive(status) && !isFinal(status))).toEqual(['queued']);
    expect([...activeStatuses, ...finalStatuses].toSorted()).toEqual(
      statuses.filter((one) => one !== 'queued').toSorted(),
    );
  });

  test('from every status a final one can be reached, and only a retry leaves those', () => {
    for (const status of statuses.filter((one) => !isFinal(one))) {
      expect(finalStatuses.some((end) => canTransition(status, end))).toBe(true);
    }
    for (const end of finalStatuses) expect(causesOf(end, 'queued')).toEqual(['retried']);
  });
});

describe('reasons', () => {
  test('what stands in braces is filled in', () => {
    expect(reasonText('exit_zero', {})).toBe('exited with 0');
    expect(reasonText('exit_nonzero', { exitCode: 3 })).toBe('exited with 3');
    expect(reasonText('image_pull_failed', { image: 'a:1', detail: 'no such host' })).toBe(
      'the image a:1 could not be pulled: no such host',
    );
  });
});
