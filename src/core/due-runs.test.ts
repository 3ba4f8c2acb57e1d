import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueRuns, missedPolicies, onTimeMs } from './due-runs.ts';

const hour = 3_600_000;
const due = [1, 2, 3, 4].map((n) => n * hour);

test('what is on time is run', () => {
  for (const missed of missedPolicies) {
    expect(dueRuns([hour], hour + onTimeMs, { missed, max: 10 })).toEqual({ run: [hour], missed: [] });
  }
});

test('what is late is skipped, run once, or run as often as it was missed', () => {
  const now = 4.5 * hour;
  expect(dueRuns(due, now, { missed: 'skip', max: 10 })).toEqual({ run: [], missed: due });
  expect(dueRuns(due, now, { missed: 'run_once', max: 10 })).toEqual({ run: [due[3]], missed: due.slice(0, 3) });
  expect(dueRuns(due, now, { missed: 'run_all', max: 10 })).toEqual({ run: due, missed: [] });
  expect(dueRuns(due, now, { missed: 'run_all', max: 3 })).toEqual({ run: due.slice(1), missed: [due[0]] });
});

test('one that is on time stands for all that were missed before it', () => {
  expect(dueRuns(due, 4 * hour, { missed: 'run_once', max: 10 })).toEqual({ run: [due[3]], missed: due.slice(0, 3) });
});

test('each time is run or missed, once, in order, and no more are run than may be', () => {
  const times = fc.uniqueArray(fc.nat(100 * hour), { maxLength: 60 }).map((all) => all.toSorted((a, b) => a - b));
  fc.assert(
    fc.property(
      times,
      fc.nat(hour),
      fc.constantFrom(...missedPolicies),
      fc.integer({ min: 1, max: 20 }),
      (all, late, missed, max) => {
        const runs = dueRuns(all, (all.at(-1) ?? 0) + late, { missed, max });
        expect([...runs.missed, ...runs.run]).toEqual(all);
        expect(runs.run.length).toBeLessThanOrEqual(missed === 'run_all' ? max + 1 : 1);
        if (all.length > 0 && late <= onTimeMs) expect(runs.run.at(-1)).toBe(all.at(-1));
      },
    ),
  );
});
