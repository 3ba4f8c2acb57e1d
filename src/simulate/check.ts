/** Holds replays against what was expected of them. */
import type { Expectation } from './expectations.ts';
import { type Measurable, type Metric, metrics } from './metrics.ts';
import type { Unit } from './quantities.ts';

export interface Verdict {
  readonly policy: string;
  readonly name: string;
  /** What was measured, in words. */
  readonly metric: string;
  /** "at most 5m". */
  readonly expected: string;
  /** As a person reads it; null where there was nothing to measure. */
  readonly actual: string | null;
  /** In seconds for durations, from 0 to 1 for shares. */
  readonly value: number | null;
  readonly passed: boolean;
  /** How many are beyond the bound by themselves, and the worst of them. */
  readonly beyond: number;
  readonly worst: readonly { readonly id: string; readonly value: number; readonly text: string }[];
}

const mostWorst = 5;

/** One for each expectation, in their order. */
export function check(of: Measurable, expectations: readonly Expectation[]): Verdict[] {
  return expectations.map((expectation) => verdictOn(of, expectation));
}

function verdictOn(of: Measurable, expectation: Expectation): Verdict {
  const { atMost, atLeast } = expectation;
  const metric = metrics[expectation.metric] as Metric;
  const { value, each } = metric.measure(of, expectation.selector);
  const isBeyond = (one: number) => (atMost !== null && one > atMost) || (atLeast !== null && one < atLeast);
  // What can't be measured has not been achieved: a rule for a priority that nobody has is more likely a slip of the pen.
  const passed = value !== null && !isBeyond(value);
  const described = metric.describe(expectation.selector);
  const beyond = passed ? [] : each.filter((one) => isBeyond(one.value));
  const sign = atMost !== null && (value === null || value > atMost) ? -1 : 1;
  return {
    policy: of.report.policy.name,
    name: expectation.name === '' ? described : expectation.name,
    metric: described,
    expected: [
      ...(atLeast === null ? [] : [`at least ${metric.unit.format(atLeast)}`]),
      ...(atMost === null ? [] : [`at most ${metric.unit.format(atMost)}`]),
    ].join(' and '),
    actual: value === null ? null : actualText(metric.unit, value, passed ? [] : [atLeast, atMost]),
    value,
    passed,
    beyond: beyond.length,
    worst: beyond
      .toSorted((a, b) => sign * (a.value - b.value))
      .slice(0, mostWorst)
      .map((one) => ({ ...one, text: metric.unit.format(one.value) })),
  };
}

/** A value that is beyond a bound, and reads like it once it is rounded, is written out. */
function actualText(unit: Unit, value: number, bounds: readonly (number | null)[]): string {
  const text = unit.format(value);
  const readsLikeBound = bounds.some((bound) => bound !== null && bound !== value && unit.format(bound) === text);
  return readsLikeBound ? `${text} (${value})` : text;
}
