import fc from 'fast-check';
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

  test('says nothing of a service: it runs until it is stopped', () => {
    expect(runs.expected({ user: 'ada', timeLimit: null, isService: true })).toBe(Number.POSITIVE_INFINITY);
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

  test('who has just come passes nobody who waits, however short it is', () => {
    const runs = { ada: [50 * minute, 50 * minute], ben: [0, 0] };
    const now = 2 * minute;
    expect(admitted([of('long', 'ada'), of('short', 'ben', { queuedAt: now })], runs, now)).toEqual(['long']);
  });

  test('who is expected to run k times as long is passed only by those who have waited 1/sqrt(k) times as long at least', () => {
    const waiting = fc.record({ run: fc.integer({ min: 10_000, max: 60 * minute }), waited: fc.nat(1000 * minute) });
    fc.assert(
      fc.property(fc.array(waiting, { minLength: 1, maxLength: 20 }), (all) => {
        const now = 1000 * minute;
        const runs = Object.fromEntries(all.map(({ run }, i) => [`u${i}`, [run, run]]));
        const queue = all.map((one, i) => of(`${i}`, `u${i}`, { queuedAt: now - one.waited, timeLimit: null }));
        const first = all[Number(admitted(queue, runs, now)[0])];
        if (first === undefined) throw new Error('nobody was admitted into an empty cluster');
        for (const { run, waited } of all) {
          const least = waited / Math.sqrt(run / first.run);
          expect(first.waited).toBeGreaterThanOrEqual(least * (1 - 1e-9));
        }
      }),
    );
  });

  test('how much it takes makes no difference: the older goes first', () => {
    const runs = { ada: [minute, minute] };
    const small = queued('small', request(1, 1), { user: 'ada', timeLimit: minute, queuedAt: 1 });
    expect(admitted([of('large', 'ada'), small], runs, minute)).toEqual(['large']);
  });

  test('a better priority goes first all the same', () => {
    const runs = { ada: [50 * minute, 50 * minute], ben: [minute, minute] };
    expect(admitted([of('long', 'ada', { priority: 10 }), of('short', 'ben')], runs, minute)).toEqual(['long']);
  });

  test('what ended teaches; a service, and what was told to stop, do not', () => {
    const planner = new Planner({ nodes, queue: [of('one', 'ada')], holdings: [] }, policy);
    planner.start(planner.pass(0).places, 0);
    planner.release('one', 7 * minute);
    expect(planner.snapshot().runs).toEqual({ ada: [7 * minute] });
    const service = new Planner({ nodes, queue: [of('web', 'eve', { isService: true })], holdings: [] }, policy);
    service.start(service.pass(0).places, 0);
    service.release('web', minute);
    expect(service.snapshot().runs).toEqual({});
    const preempting = { ...policy, preemption: { minRunTime: 0 } };
    const other = new Planner({ nodes, queue: [of('low', 'ben', { priority: 90 })], holdings: [] }, preempting);
    other.start(other.pass(0).places, 0);
    other.submit(of('high', 'ada', { priority: 1 }));
    other.preempt(other.pass(minute).preempts);
    other.release('low', 2 * minute);
    expect(other.snapshot().runs).toEqual({});
  });
});
