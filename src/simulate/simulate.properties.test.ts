import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomOf } from './random.ts';
import type { NamedPolicy, Replay } from './replay.ts';
import { reportOf } from './report.ts';
import { simulate } from './simulate.ts';
import { job, machine, policy, traceOf } from './testing.ts';
import type { Trace } from './trace.ts';

interface Case {
  readonly trace: Trace;
  readonly policy: NamedPolicy;
  readonly until: number | null;
}

const jobs = 100;

/** A few nodes that are asked for about as much as they have, with all that a trace may hold. */
function caseOf(seed: number): Case {
  const random = randomOf(seed);
  const below = (count: number) => Math.floor(random() * count);
  const maybe = (chance: number) => random() < chance;
  const nodes = Array.from({ length: 1 + below(4) }, (_, i) => machine(2 + below(6), below(4), `node-${i}`));
  const deployments = Array.from({ length: jobs }, (_, i) => {
    const gpus = [0, 0, 0.5, 0.3, 1, 2][below(6)] ?? 0;
    const run = maybe(0.02) ? null : below(60);
    const asked = { cores: below(4), gpus, run, ...(maybe(0.6) && { limit: 1 + below(60) }) };
    const cancelledAt = maybe(0.05) ? below(700) * 1000 : null;
    return job(`job-${i}`, below(600), asked, { priority: 1 + below(100), cancelledAt, user: `user-${below(3)}` });
  });
  const preemption = maybe(0.5) ? { preemption: { minRunTime: below(30) * 1000 } } : {};
  const rules = { agingInterval: below(3) * 60_000, reservationAfter: below(300) * 1000, maxAdmissions: 1 + below(5) };
  return {
    trace: traceOf(nodes, deployments),
    policy: policy({ ...rules, ...preemption }),
    until: maybe(0.3) ? below(900) * 1000 : null,
  };
}

function forEachCase(check: (of: Case, replay: Replay) => void): void {
  const property = fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
    const of = caseOf(seed);
    // That no node is ever given away twice is checked on the way (occupancy.ts).
    check(of, simulate(of.trace, of.policy, { until: of.until }));
  });
  fc.assert(property, { numRuns: 40, seed: 11 });
}

test('the same input gives the same report', () => {
  forEachCase(({ trace, policy: rules, until }, replay) => {
    expect(reportOf(trace, [simulate(trace, rules, { until })])).toEqual(reportOf(trace, [replay]));
  });
});

test('nobody is lost, nobody starts before being submitted, and nobody runs past a limit', () => {
  forEachCase(({ until }, { fates }) => {
    if (until === null) expect(fates).toHaveLength(jobs);
    for (const { deployment, startedAt, endedAt } of fates) {
      if (startedAt === null) continue;
      expect(startedAt).toBeGreaterThanOrEqual(deployment.submittedAt);
      if (endedAt !== null && deployment.timeLimit !== null) {
        expect(endedAt - startedAt).toBeLessThanOrEqual(deployment.timeLimit);
      }
    }
  });
});

test('never more is in use than there is, and never more is admitted than the bound', () => {
  forEachCase(({ trace }, replay) => {
    const [run] = reportOf(trace, [replay]).runs;
    for (const of of Object.values(run?.utilization ?? {})) {
      if (of === null) continue;
      expect(of.mean).toBeGreaterThanOrEqual(0);
      expect(of.max).toBeLessThanOrEqual(1);
    }
    expect(replay.passes.admitted).toBeLessThanOrEqual(replay.passes.bound);
  });
});
