/** The lines that sum up a run: the same in the text of one run, side by side in a comparison, and on the page. */
import { dimensions } from '../../core/model.ts';
import { outcomes } from '../replay.ts';
import type { Report, RunReport } from '../report.ts';
import { count, factor, percent, seconds } from './format.ts';

export interface SummaryLine {
  readonly name: string;
  readonly text: (run: RunReport) => string;
  /** What is compared; absent where neither more nor less is better. */
  readonly value?: (run: RunReport) => number | null;
  readonly better?: 'less' | 'more';
  /** The same as the trace itself records it. */
  readonly recorded?: (recorded: Recorded) => string;
}

type Recorded = NonNullable<Report['trace']['recorded']>;

const waits = (['mean', 'p50', 'p90', 'p99', 'max'] as const).map(
  (statistic): SummaryLine => ({
    name: `wait, ${statistic}`,
    text: ({ overall }) => seconds(overall.wait_s[statistic]),
    value: ({ overall }) => overall.wait_s[statistic],
    better: 'less',
    recorded: ({ wait_s: wait }) => seconds(wait[statistic]),
  }),
);

const slowdowns = (['mean', 'p99', 'max'] as const).map(
  (statistic): SummaryLine => ({
    name: `bounded slowdown, ${statistic}`,
    text: ({ overall }) => factor(overall.bounded_slowdown[statistic]),
    value: ({ overall }) => overall.bounded_slowdown[statistic],
    better: 'less',
    recorded: ({ bounded_slowdown: slowdown }) => factor(slowdown[statistic]),
  }),
);

const utilizations = dimensions.flatMap((dimension): SummaryLine[] => {
  const of = (run: RunReport) => run.utilization[dimension];
  const name = dimension.toUpperCase();
  return [
    {
      name: `${name} in use`,
      text: (run) => percent(of(run)?.mean ?? null),
      value: (run) => of(run)?.mean ?? null,
      better: 'more',
    },
    {
      name: `${name} in use while somebody waits`,
      text: (run) => percent(of(run)?.while_waiting ?? null),
      value: (run) => of(run)?.while_waiting ?? null,
      better: 'more',
    },
    {
      name: `${name} stranded`,
      text: (run) => percent(of(run)?.stranded ?? null),
      value: (run) => of(run)?.stranded ?? null,
      better: 'less',
    },
  ];
});

const all: readonly SummaryLine[] = [
  {
    name: 'deployments',
    text: ({ overall }) =>
      outcomes
        .filter((outcome) => overall.outcomes[outcome] > 0)
        .map((outcome) => `${count(overall.outcomes[outcome])} ${outcome.replace('_', ' ')}`)
        .join(', '),
  },
  ...waits,
  ...slowdowns,
  ...utilizations,
  {
    name: 'GPU fragmentation',
    text: ({ fragmentation }) => percent(fragmentation?.mean ?? null),
    value: ({ fragmentation }) => fragmentation?.mean ?? null,
    better: 'less',
  },
  {
    name: 'queue length, mean',
    text: ({ queue }) => count(queue.mean),
    value: ({ queue }) => queue.mean,
    better: 'less',
  },
  { name: 'queue length, max', text: ({ queue }) => count(queue.max), value: ({ queue }) => queue.max, better: 'less' },
  {
    name: 'stopped for others',
    text: ({ overall }) => `${count(overall.preempted)} times, ${seconds(overall.lost_s)} lost`,
    value: ({ policy, overall }) => (policy.preemption_min_run_time_s === null ? null : overall.lost_s),
    better: 'less',
  },
  {
    name: 'admitted, of at most',
    text: ({ passes: { admitted, bound } }) => `${count(admitted)} of ${count(bound)}`,
    value: ({ passes: { admitted, bound } }) => (bound === 0 ? null : admitted / bound),
    better: 'more',
  },
  {
    name: 'passes proven best',
    text: ({ passes }) => `${count(passes.proven)} of ${count(passes.count)}`,
    value: ({ passes }) => (passes.count === 0 ? null : passes.proven / passes.count),
    better: 'more',
  },
  {
    name: 'fairness among users',
    text: ({ fairness }) => percent(fairness),
    value: ({ fairness }) => fairness,
    better: 'more',
  },
  {
    name: 'makespan',
    text: ({ makespan_s: makespan }) => seconds(makespan),
    value: ({ makespan_s: makespan }) => makespan,
    better: 'less',
  },
];

/** Those lines that say something about at least one of the runs. */
export function summaryLines(runs: readonly RunReport[]): readonly SummaryLine[] {
  return all.filter(({ value }) => value === undefined || runs.some((run) => value(run) !== null));
}

/** Which of the runs are the best by a line: none where it does not say, or where all are alike. */
export function bestOf({ value, better }: SummaryLine, runs: readonly RunReport[]): ReadonlySet<number> {
  if (value === undefined || better === undefined || runs.length < 2) return new Set();
  const values = runs.map((run) => value(run));
  const known = values.filter((one) => one !== null);
  const best = better === 'less' ? Math.min(...known) : Math.max(...known);
  if (known.length < 2 || known.every((one) => one === best)) return new Set();
  return new Set(values.flatMap((one, i) => (one === best ? [i] : [])));
}
