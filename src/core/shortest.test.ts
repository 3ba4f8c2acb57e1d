import { describe, expect, test } from 'vitest';
import type { Policy, QueuedDeployment } from './model.ts';
import { plan } from './plan.ts';
import { Planner } from './planner.ts';
import { Runs } from './runs.ts';
import { admittedOf, node, queued, request } from './testing.ts';

const minute = 60_000;
const policy: Policy = {
  agingInterval: 0,
  reservationAfter: Number.MAX_SAFE_INTEGER,
  maxAdmissions: 500,
  backfill: 'learned',
};

describe('what is expected of a run', () => {
  const runs = new Runs({ ada: [2 * minute, 4 * minute], ben: [minute] });
  const expected = (user: string, timeLimit: number | null) => runs.expected({ user, timeLimit });

  test('is the mean of the latest two of its user, and never more than its limit', () => {
    expect(expected('ada', null)).toBe(3 * minute);
    expect(expected('ada', 2 * minute)).toBe(2 * minute);
  });

  test('is the limit while too little is known, and without end where there is none', () => {
    expect(expected('ben', 9 * minute)).toBe(9 * minute);
    expect(expected('eve', null)).toBe(Number.POSITIVE_INFINITY);
  });

  test('follows the latest', () => {
    const later = new Runs({ ada: [2 * minute, 4 * minute] });
    later.learn('ada', 10 * minute);
    expect(later.known).toEqual({ ada: [10 * minute, 2 * minute] });
  });
});

describe('learned backfill', () => {
  const nodes = [node('a', 8, 8)];
  const whole = request(8, 8);
  const of = (id: string, user: string, more: Partial<QueuedDeployment> = {}) =>
    queued(id, whole, { user, timeLimit: 60 * minute, ...more });
  const admitted = (queue: readonly QueuedDeployment[], runs: Record<string, number[]>, now: number) =>
    admittedOf(plan({ nodes, queue, holdings: [], runs }, policy, now));

  test('whoever is expected to be done sooner goes first, the older between equals', () => {
    const runs = { ada: [50 * minute, 50 * minute], ben: [minute, minute] };
    expect(admitted([of('long', 'ada'), of('short', 'ben', { queuedAt: 1 })], runs, minute)).toEqual(['short']);
    expect(admitted([of('older', 'ada'), of('newer', 'ada', { queuedAt: 1 })], runs, minute)).toEqual(['older']);
  });

  test('who has waited long enough for what it takes goes before the short', () => {
    const runs = { ada: [50 * minute, 50 * minute], ben: [minute, minute] };
    const now = 200 * minute;
    expect(admitted([of('long', 'ada'), of('short', 'ben', { queuedAt: now - minute })], runs, now)).toEqual(['long']);
  });

  test('a better priority goes first all the same', () => {
    const runs = { ada: [50 * minute, 50 * minute], ben: [minute, minute] };
    expect(admitted([of('long', 'ada', { priority: 10 }), of('short', 'ben')], runs, minute)).toEqual(['long']);
  });

  test('what ended teaches; what was told to stop does not', () => {
    const planner = new Planner({ nodes, queue: [of('one', 'ada')], holdings: [] }, policy);
    planner.start(planner.pass(0).places, 0);
    planner.release('one', 7 * minute);
    expect(planner.snapshot().runs).toEqual({ ada: [7 * minute] });
    const preempting = { ...policy, preemption: { minRunTime: 0 } };
    const other = new Planner({ nodes, queue: [of('low', 'ben', { priority: 90 })], holdings: [] }, preempting);
    other.start(other.pass(0).places, 0);
    other.submit(of('high', 'ada', { priority: 1 }));
    other.preempt(other.pass(minute).preempts);
    other.release('low', 2 * minute);
    expect(other.snapshot().runs).toEqual({});
  });
});
