import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterProbe, type HealthRecord, type HealthRules, nextProbeAt, type Probe, unprobed } from './health.ts';

const startedAt = 1_000_000;
const rules: HealthRules = { interval: 10_000, retries: 3, startPeriod: 0 };

/** What is known after each of these probes, `true` for well, so many milliseconds after the start. */
function judged(probes: readonly (readonly [number, boolean])[], given = rules): HealthRecord[] {
  const known: HealthRecord[] = [];
  for (const [after, isWell] of probes) {
    known.push(afterProbe(known.at(-1) ?? unprobed, { isWell, at: startedAt + after }, given, startedAt));
  }
  return known;
}

const healths = (probes: readonly (readonly [number, boolean])[], given = rules) =>
  judged(probes, given).map(({ health }) => health);

describe('the health of a replica', () => {
  test('one good probe makes it healthy, at once', () => {
    expect(healths([[0, true]])).toEqual(['healthy']);
  });

  test('as many failures in a row as there are retries make it unhealthy, and one good probe healthy again', () => {
    const failing: [number, boolean][] = [
      [0, true],
      [10_000, false],
      [20_000, false],
      [30_000, false],
      [40_000, true],
    ];
    expect(healths(failing)).toEqual(['healthy', 'healthy', 'healthy', 'unhealthy', 'healthy']);
  });

  test('a good probe in between begins the count anew', () => {
    const mixed: [number, boolean][] = [
      [0, true],
      [10_000, false],
      [20_000, false],
      [30_000, true],
      [40_000, false],
      [50_000, false],
    ];
    expect(healths(mixed).at(-1)).toBe('healthy');
  });

  test('failures in the start period do not count, until a probe has found it well', () => {
    const slow = { ...rules, startPeriod: 60_000, retries: 1 };
    expect(
      healths(
        [
          [0, false],
          [59_999, false],
          [60_000, false],
        ],
        slow,
      ),
    ).toEqual(['starting', 'starting', 'unhealthy']);
    expect(
      healths(
        [
          [1_000, true],
          [11_000, false],
        ],
        slow,
      ),
    ).toEqual(['healthy', 'unhealthy']);
  });

  test('without a start period the first interval is one', () => {
    expect(
      healths(
        [
          [0, false],
          [9_999, false],
          [10_000, false],
        ],
        { ...rules, retries: 1 },
      ),
    ).toEqual(['starting', 'starting', 'unhealthy']);
  });

  test('it is looked at every second while it starts, then once an interval', () => {
    expect(nextProbeAt(unprobed, startedAt, rules, startedAt)).toBe(startedAt + 1_000);
    expect(nextProbeAt(unprobed, startedAt + 10_000, rules, startedAt)).toBe(startedAt + 20_000);
    expect(nextProbeAt({ health: 'healthy', failures: 0 }, startedAt, rules, startedAt)).toBe(startedAt + 10_000);
    expect(nextProbeAt(unprobed, startedAt, { ...rules, interval: 500 }, startedAt)).toBe(startedAt + 500);
  });
});

const anyRules = fc.record({
  interval: fc.integer({ min: 100, max: 20_000 }),
  retries: fc.integer({ min: 1, max: 5 }),
  startPeriod: fc.constantFrom(0, 5_000, 60_000),
});
/** Probes in the order of their times. */
const anyProbes = fc
  .array(fc.record({ isWell: fc.boolean(), at: fc.integer({ min: startedAt, max: startedAt + 200_000 }) }))
  .map((probes): Probe[] => probes.toSorted((a, b) => a.at - b.at));

describe('whatever the probes find', () => {
  test('nobody is unhealthy whose latest probes did not all fail, as many as there are retries', () => {
    fc.assert(
      fc.property(anyRules, anyProbes, (given, probes) => {
        let known = unprobed;
        for (const [i, probe] of probes.entries()) {
          known = afterProbe(known, probe, given, startedAt);
          if (known.health !== 'unhealthy') continue;
          const latest = probes.slice(Math.max(0, i + 1 - given.retries), i + 1);
          expect(latest).toHaveLength(given.retries);
          expect(latest.every(({ isWell }) => !isWell)).toBe(true);
        }
      }),
    );
  });

  test('nobody is healthy who was never found well, and whoever was just found well is healthy', () => {
    fc.assert(
      fc.property(anyRules, anyProbes, (given, probes) => {
        let known = unprobed;
        let wasWell = false;
        for (const probe of probes) {
          known = afterProbe(known, probe, given, startedAt);
          wasWell ||= probe.isWell;
          if (probe.isWell) expect(known).toEqual({ health: 'healthy', failures: 0 });
          if (!wasWell) expect(known.health).not.toBe('healthy');
        }
      }),
    );
  });

  test('nobody becomes unhealthy in the start period who was never found well', () => {
    fc.assert(
      fc.property(anyRules, anyProbes, (given, probes) => {
        let known = unprobed;
        for (const probe of probes.filter(({ isWell, at }) => !isWell && at < startedAt + given.startPeriod)) {
          known = afterProbe(known, probe, given, startedAt);
          expect(known).toEqual(unprobed);
        }
      }),
    );
  });

  test('the next look is later than the last one, and at most an interval later', () => {
    fc.assert(
      fc.property(anyRules, anyProbes, (given, probes) => {
        let known = unprobed;
        for (const probe of probes) {
          known = afterProbe(known, probe, given, startedAt);
          const next = nextProbeAt(known, probe.at, given, startedAt);
          expect(next).toBeGreaterThan(probe.at);
          expect(next).toBeLessThanOrEqual(probe.at + given.interval);
        }
      }),
    );
  });
});
