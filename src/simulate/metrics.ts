/** What can be expected of a replay: each metric with how it is selected in a file, its unit, and how it is measured. */
import { z } from 'zod';
import { dimensions } from '../core/model.ts';
import { slowdownThatCounts, waitThatCounts } from './measures.ts';
import { duration, plainNumber, share, type Unit } from './quantities.ts';
import { type Fate, outcomes, type Replay } from './replay.ts';
import { type RunReport, runReport } from './report.ts';
import { ascending, meanOf, percentile } from './statistics.ts';

/** A replay, and the report on it. */
export interface Measurable {
  readonly replay: Replay;
  readonly report: RunReport;
}

export function measurable(replay: Replay): Measurable {
  return { replay, report: runReport(replay) };
}

interface Measured {
  /** Null where there is nothing to measure: nobody is selected, or the cluster has no such dimension. */
  readonly value: number | null;
  /** What the value is of, in the unit of the metric: the deployments by themselves. Empty where it is of no deployments. */
  readonly each: readonly { readonly id: string; readonly value: number }[];
}

export interface Metric<Selector = unknown> {
  readonly selector: z.ZodType<Selector>;
  readonly unit: Unit;
  measure(of: Measurable, selector: Selector): Measured;
  /** "wait, p99, of priority 1". */
  describe(selector: Selector): string;
}

const priority = z
  .number({ error: 'must be a whole number from 1 to 100' })
  .int({ message: 'must be a whole number from 1 to 100' })
  .min(1, { message: 'must be a whole number from 1 to 100' })
  .max(100, { message: 'must be a whole number from 1 to 100' });

/** Which deployments; all where nothing is said. */
const whose = {
  priority: z
    .union([priority, z.tuple([priority, priority])], { error: 'must be a priority from 1 to 100, or two: [from, to]' })
    .optional(),
  user: z.string({ error: 'must be text' }).optional(),
  kind: z.enum(['job', 'service'], { error: 'must be job or service' }).optional(),
};

/** Of many values: one statistic, or a percentile. */
const which = {
  statistic: z.enum(['mean', 'max'], { error: 'must be mean or max' }).optional(),
  percentile: z
    .number({ error: 'must be a number from 0 to 100' })
    .min(0, { message: 'must be a number from 0 to 100' })
    .max(100, { message: 'must be a number from 0 to 100' })
    .optional(),
};
const onlyOne = { message: 'must name a statistic or a percentile, not both' };
const ofMany = z
  .strictObject({ ...whose, ...which })
  .refine(({ statistic, percentile: percent }) => statistic === undefined || percent === undefined, onlyOne);
type OfMany = z.infer<typeof ofMany>;
const ofCount = z.strictObject({
  ...whose,
  outcome: z.enum(outcomes, { error: `must be one of ${outcomes.join(', ')}` }).optional(),
});
const ofDimension = z.strictObject({
  dimension: z.enum(dimensions, { error: 'must be ram, cpu or gpu' }),
  while_waiting: z.boolean({ error: 'must be true or false' }).default(false),
});
const ofSteps = z.strictObject({
  statistic: z.enum(['mean', 'max'], { error: 'must be mean or max' }).default('max'),
});
const ofNothing = z.strictObject({});

const wait: Metric<OfMany> = {
  selector: ofMany,
  unit: duration,
  measure: ({ replay }, selector) =>
    measureMany(replay, selector, 'max', (fate) => {
      const ms = waitThatCounts(fate, replay.to);
      return ms === null ? null : ms / 1000;
    }),
  describe: (selector) => `wait, ${statisticName(selector, 'max')}${nameOf(selector)}`,
};

const boundedSlowdown: Metric<OfMany> = {
  selector: ofMany,
  unit: plainNumber,
  measure: ({ replay }, selector) => measureMany(replay, selector, 'mean', slowdownThatCounts),
  describe: (selector) => `bounded slowdown, ${statisticName(selector, 'mean')}${nameOf(selector)}`,
};

const deployments: Metric<z.infer<typeof ofCount>> = {
  selector: ofCount,
  unit: plainNumber,
  measure: ({ replay: { fates } }, selector) => {
    const counted = fates.filter(
      (fate) => isMeant(fate, selector) && (selector.outcome === undefined || fate.outcome === selector.outcome),
    );
    return { value: counted.length, each: counted.map(({ deployment: { id } }) => ({ id, value: counted.length })) };
  },
  describe: (selector) =>
    `deployments${selector.outcome === undefined ? '' : ` ${selector.outcome}`}${nameOf(selector)}`,
};

const utilization: Metric<z.infer<typeof ofDimension>> = {
  selector: ofDimension,
  unit: share,
  measure: ({ report }, { dimension, while_waiting: waiting }) => {
    const of = report.utilization[dimension];
    return whole(of === null ? null : waiting ? of.while_waiting : of.mean);
  },
  describe: ({ dimension, while_waiting: waiting }) =>
    `utilization of ${dimension}${waiting ? ' while somebody waits' : ''}`,
};

const fragmentation: Metric<z.infer<typeof ofSteps>> = {
  selector: ofSteps,
  unit: share,
  measure: ({ report }, { statistic }) => whole(report.fragmentation?.[statistic] ?? null),
  describe: ({ statistic }) => `fragmentation, ${statistic}`,
};

const queueLength: Metric<z.infer<typeof ofSteps>> = {
  selector: ofSteps,
  unit: plainNumber,
  measure: ({ report }, { statistic }) => whole(report.queue[statistic]),
  describe: ({ statistic }) => `queue length, ${statistic}`,
};

const makespan: Metric = {
  selector: ofNothing,
  unit: duration,
  measure: ({ report }) => whole(report.makespan_s),
  describe: () => 'makespan',
};

const fairness: Metric = {
  selector: ofNothing,
  unit: share,
  measure: ({ report }) => whole(report.fairness),
  describe: () => 'fairness among users',
};

const admittedOfBound: Metric = {
  selector: ofNothing,
  unit: share,
  measure: ({ report: { passes } }) => whole(passes.bound === 0 ? null : passes.admitted / passes.bound),
  describe: () => 'admitted of what could have been',
};

/** By the name that they have in files. */
export const metrics = {
  wait,
  bounded_slowdown: boundedSlowdown,
  deployments,
  utilization,
  fragmentation,
  queue_length: queueLength,
  makespan,
  fairness,
  admitted_of_bound: admittedOfBound,
} as const;
export type MetricName = keyof typeof metrics;

function whole(value: number | null): Measured {
  return { value, each: [] };
}

function measureMany(
  { fates }: Replay,
  selector: OfMany,
  otherwise: 'mean' | 'max',
  valueOf: (fate: Fate) => number | null,
): Measured {
  const each = fates.flatMap((fate) => {
    const value = isMeant(fate, selector) ? valueOf(fate) : null;
    return value === null ? [] : [{ id: fate.deployment.id, value }];
  });
  const values = each.map(({ value }) => value);
  const isMean = selector.percentile === undefined && (selector.statistic ?? otherwise) === 'mean';
  return { value: isMean ? meanOf(values) : percentile(ascending(values), selector.percentile ?? 100), each };
}

type Whose = z.infer<z.ZodObject<typeof whose>>;

function isMeant({ deployment }: Fate, { priority: wanted, user, kind }: Whose): boolean {
  const [from, to] = typeof wanted === 'number' ? [wanted, wanted] : (wanted ?? [1, 100]);
  if (deployment.priority < from || deployment.priority > to) return false;
  return (user === undefined || deployment.user === user) && (kind === undefined || deployment.kind === kind);
}

function statisticName({ statistic, percentile: percent }: OfMany, otherwise: string): string {
  return percent === undefined ? (statistic ?? otherwise) : `p${percent}`;
}

function nameOf({ priority: wanted, user, kind }: Whose): string {
  const parts = [
    ...(wanted === undefined ? [] : [`priority ${typeof wanted === 'number' ? wanted : wanted.join(' to ')}`]),
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(kind === undefined ? [] : [`kind ${kind}`]),
  ];
  return parts.length === 0 ? '' : `, of ${parts.join(', ')}`;
}
