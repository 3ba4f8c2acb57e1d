import { describe, expect, test } from 'vitest';
import type { Replay } from './replay.ts';
import { simulate } from './simulate.ts';
import { easy, easyExample, job, machine, policy, traceOf } from './testing.ts';
import type { Trace } from './trace.ts';

const toTheEnd = { until: null };

function startsOf({ fates }: Replay): Record<string, number | null> {
  return Object.fromEntries(
    fates.map(({ deployment, startedAt }) => [deployment.id, startedAt === null ? null : startedAt / 1000]),
  );
}

function outcomesOf(trace: Trace, until: number | null = null): Record<string, string> {
  const { fates } = simulate(trace, policy(), { until });
  return Object.fromEntries(fates.map(({ deployment, outcome }) => [deployment.id, outcome]));
}

/** Of two that need the only core, the second comes later, with this priority; the first has 50. */
function firstAndSecond(priority: number): Trace {
  return traceOf([machine(1)], [job('first', 0, { run: 100 }), job('second', 5, { run: 30 }, { priority })]);
}

describe('starts', () => {
  test('of EASY are those that were worked out by hand', () => {
    const replay = simulate(easyExample, easy, toTheEnd);
    expect(startsOf(replay)).toEqual({ A: 0, B: 100, C: 2, E: 150, F: 94 });
    expect([replay.from, replay.to]).toEqual([0, 194_000]);
  });

  test('without a reservation, the small go on passing the large', () => {
    // E takes what C left, and B has to wait for E as well.
    expect(startsOf(simulate(easyExample, policy(), toTheEnd))).toMatchObject({ E: 93, B: 113 });
  });

  test('keep room for one who becomes overdue between two events', () => {
    // The large one is overdue from 20 on, when nothing else happens; from then on its room is kept, also from `late`.
    const trace = traceOf(
      [machine(2)],
      [
        job('first', 0, { run: 30, limit: 30 }),
        job('large', 10, { cores: 2, run: 10, limit: 10 }),
        job('late', 25, { run: 50, limit: 50 }),
      ],
    );
    expect(startsOf(simulate(trace, policy({ reservationAfter: 10_000 }), toTheEnd))).toMatchObject({
      large: 30,
      late: 40,
    });
    expect(startsOf(simulate(trace, policy({ reservationAfter: 60_000 }), toTheEnd))).toMatchObject({
      large: 75,
      late: 25,
    });
  });

  test('of one instant follow the order of the file, also where ids do not', () => {
    const trace = traceOf([machine(1)], [job('10', 0, {}), job('9', 0, {}), job('11', 0, {})]);
    expect(startsOf(simulate(trace, policy(), toTheEnd))).toEqual({ 10: 0, 9: 10, 11: 20 });
  });

  test('go on in the same instant where a pass has admitted as many as it may', () => {
    const trace = traceOf(
      [machine(5)],
      ['a', 'b', 'c', 'd', 'e'].map((id) => job(id, 0, {})),
    );
    const replay = simulate(trace, policy({ maxAdmissions: 2 }), toTheEnd);
    expect(Object.values(startsOf(replay))).toEqual([0, 0, 0, 0, 0]);
    expect(replay.passes.passes).toBe(3);
  });

  test('follow priorities', () => {
    const trace = traceOf(
      [machine(1)],
      [job('runs', 0, {}), job('low', 1, {}, { priority: 60 }), job('high', 2, {}, { priority: 1 })],
    );
    expect(startsOf(simulate(trace, policy(), toTheEnd))).toEqual({ runs: 0, high: 10, low: 20 });
  });
});

describe('ends', () => {
  test('are stops where it would run past its limit', () => {
    expect(outcomesOf(traceOf([machine(1)], [job('slow', 0, { run: 20, limit: 10 })]))).toEqual({ slow: 'timed_out' });
  });

  test('are refusals where even the empty cluster could not hold it', () => {
    expect(outcomesOf(traceOf([machine(1)], [job('large', 0, { cores: 2 })]))).toEqual({ large: 'refused' });
  });

  test('come when its user gives up, whether it waits by then or runs', () => {
    const trace = traceOf(
      [machine(1)],
      [
        job('runs', 0, { run: null, limit: 100 }, { cancelledAt: 5000 }),
        job('waits', 1, { run: null }, { cancelledAt: 3000 }),
        job('next', 2, {}),
      ],
    );
    const replay = simulate(trace, policy(), toTheEnd);
    expect(replay.fates.map(({ outcome, endedAt }) => [outcome, endedAt])).toEqual([
      ['cancelled', 5000],
      ['cancelled', 3000],
      ['succeeded', 15_000],
    ]);
  });

  test('do not come for a service, and whoever waits for it waits until the replay ends', () => {
    const trace = traceOf([machine(1)], [job('service', 0, { run: null }, { kind: 'service' }), job('waits', 5, {})]);
    expect(outcomesOf(trace)).toEqual({ service: 'running', waits: 'queued' });
  });

  test('after the end of the replay are not awaited', () => {
    const trace = traceOf([machine(1)], [job('a', 0, {}), job('b', 5, {}), job('c', 60, {})]);
    expect(outcomesOf(trace, 12_000)).toEqual({ a: 'succeeded', b: 'running' });
  });
});

describe('stops for the more important', () => {
  const preemption = policy({ preemption: { minRunTime: 20_000 } });

  test('come when a victim has run for long enough; it waits again, and begins anew', () => {
    const trace = traceOf(
      [machine(1)],
      [job('low', 0, { run: 100 }, { priority: 60 }), job('high', 5, { run: 30 }, { priority: 1 })],
    );
    const replay = simulate(trace, preemption, toTheEnd);
    expect(startsOf(replay)).toEqual({ high: 20, low: 50 });
    expect(replay.fates.map(({ outcome, preempted, lost, endedAt }) => [outcome, preempted, lost, endedAt])).toEqual([
      ['succeeded', 1, 20_000, 150_000],
      ['succeeded', 0, 0, 50_000],
    ]);
    expect(replay.to).toBe(150_000);
  });

  test('never come among equals, or where the policy has none', () => {
    expect(startsOf(simulate(firstAndSecond(50), preemption, toTheEnd))).toEqual({ first: 0, second: 100 });
    expect(startsOf(simulate(firstAndSecond(1), policy(), toTheEnd))).toEqual({ first: 0, second: 100 });
  });
});

test('the same trace gives the same replay', () => {
  const once = simulate(easyExample, easy, toTheEnd);
  expect(simulate(easyExample, easy, toTheEnd)).toEqual(once);
});

test('what nobody could admit more than is counted pass by pass', () => {
  const { passes } = simulate(easyExample, easy, toTheEnd);
  expect(passes).toMatchObject({ admitted: 5, bound: 5 });
  expect(passes.proven).toBe(passes.passes);
});

test('progress goes from nothing to everything', () => {
  const seen: number[] = [];
  const many = traceOf(
    [machine(1)],
    Array.from({ length: 1000 }, (_, i) => job(String(i), i, { run: 1 })),
  );
  simulate(many, policy(), { until: null, onProgress: (over, of) => seen.push(over / of) });
  expect(seen.length).toBeGreaterThan(2);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});
