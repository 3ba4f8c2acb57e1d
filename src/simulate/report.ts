/**
 * The report on a trace replayed under one or more policies: what is printed as JSON is exactly this, and text and page are
 * made of it. Its fields only ever become more; `report` counts up if one must change its meaning.
 *
 * Durations end in `_s` and are seconds; shares are from 0 to 1. It holds no time of day and no duration of the replay itself:
 * the same input gives the same report.
 */
import type { Dimension, Resources } from '../core/model.ts';
import { dimensions } from '../core/model.ts';
import { add, nothing } from '../core/resources.ts';
import { type Group, groupOf, recordedGroup, waitThatCounts } from './measures.ts';
import type { Fate, Replay } from './replay.ts';
import { ascending, jainIndex, percentile } from './statistics.ts';
import { type Column, sampled } from './timeline.ts';
import type { Trace, TraceFormat } from './trace.ts';

export interface Report {
  readonly report: 1;
  readonly trace: {
    readonly name: string;
    readonly format: TraceFormat;
    readonly deployments: number;
    readonly nodes: number;
    /** GB, cores, devices. */
    readonly capacity: Resources;
    readonly notes: readonly string[];
    /** As the trace itself has it: what really happened, or another simulator said. Null where it says nothing. */
    readonly recorded: ReturnType<typeof recordedGroup>;
  };
  readonly runs: readonly RunReport[];
}

export interface RunReport {
  readonly policy: PolicyReport;
  /** From the first submission to the last event. */
  readonly makespan_s: number;
  readonly overall: Group;
  readonly by_priority: readonly (Group & { readonly priority: number })[];
  /** Of those with the most deployments first. `user` is null for all that belong to nobody. */
  readonly by_user: readonly (Group & { readonly user: string | null })[];
  /** Of dimensions that the cluster has; null for others. */
  readonly utilization: Readonly<Record<Dimension, Utilization | null>>;
  readonly queue: { readonly mean: number; readonly max: number };
  /** Null where the cluster has no GPU, or nobody asks for one. */
  readonly fragmentation: Fragmentation | null;
  readonly passes: PassReport;
  /** Jain's index of the mean bounded slowdowns of users: 1 where all fare alike. Null for fewer than two users. */
  readonly fairness: number | null;
  readonly curves: Curves;
}

interface PolicyReport {
  readonly name: string;
  readonly aging_interval_s: number;
  readonly reservation_after_s: number;
  readonly max_admissions: number;
  /** Null where nothing is ever stopped for another. */
  readonly preemption_min_run_time_s: number | null;
}

interface Utilization {
  /** In use, on average over time. */
  readonly mean: number;
  /** The same, only over the time in which somebody waited; null where nobody ever did. */
  readonly while_waiting: number | null;
  readonly max: number;
  /** Free on nodes that could take no typical request, on average. */
  readonly stranded: number;
}

interface Fragmentation {
  /** Of all GPUs: what is free, but of no use to the average request (occupancy.ts), on average over time. */
  readonly mean: number;
  readonly max: number;
}

interface PassReport {
  /** In which somebody waited. */
  readonly count: number;
  readonly admitted: number;
  /** No plan could have admitted more, pass by pass. */
  readonly bound: number;
  /** Passes that nobody could have planned better. */
  readonly proven: number;
}

/** Means over pieces of equal length, from the first submission on. */
interface Curves {
  /** Where each piece begins. */
  readonly time_s: readonly number[];
  readonly utilization: Readonly<Record<Dimension, readonly number[] | null>>;
  readonly queued: readonly number[];
  readonly running: readonly number[];
  /** Shares of all GPUs; null as `fragmentation`. */
  readonly fragmentation: readonly number[] | null;
  /** The waits that 0, 1, … 100 percent of the deployments do not exceed, in seconds; empty where nobody has been counted. */
  readonly wait_percentiles_s: readonly number[];
}

const curvePoints = 500;

export function reportOf(trace: Trace, replays: readonly Replay[]): Report {
  const capacity = trace.nodes.reduce((sum, node) => add(sum, node.total), nothing);
  return {
    report: 1,
    trace: {
      name: trace.name,
      format: trace.format,
      deployments: trace.deployments.length,
      nodes: trace.nodes.length,
      capacity: { ram: capacity.ram / 1000, cpu: capacity.cpu / 1000, gpu: capacity.gpu / 1000 },
      notes: trace.notes,
      recorded: replays[0] === undefined ? null : recordedGroup(replays[0]),
    },
    runs: replays.map(runReport),
  };
}

export function runReport(replay: Replay): RunReport {
  const { fates, passes, timeline, from, to } = replay;
  const users = grouped(fates, ({ deployment }) => deployment.user)
    .toSorted((a, b) => b.of.length - a.of.length)
    .map(({ key: user, of }) => ({ user, ...groupOf(of, to) }));
  return {
    policy: policyReport(replay),
    makespan_s: (to - from) / 1000,
    overall: groupOf(fates, to),
    by_priority: grouped(fates, ({ deployment }) => deployment.priority)
      .toSorted((a, b) => a.key - b.key)
      .map(({ key: priority, of }) => ({ priority, ...groupOf(of, to) })),
    by_user: users,
    utilization: perDimension((dimension) => utilizationOf(replay, dimension)),
    queue: { mean: timeline.mean('queued', to) ?? 0, max: timeline.max('queued') },
    fragmentation: fragmentationOf(replay),
    passes: { count: passes.passes, admitted: passes.admitted, bound: passes.bound, proven: passes.proven },
    fairness: fairnessOf(users),
    curves: curvesOf(replay),
  };
}

function policyReport({ policy: { name, policy } }: Replay): PolicyReport {
  return {
    name,
    aging_interval_s: policy.agingInterval / 1000,
    reservation_after_s: policy.reservationAfter / 1000,
    max_admissions: policy.maxAdmissions,
    preemption_min_run_time_s: policy.preemption === undefined ? null : policy.preemption.minRunTime / 1000,
  };
}

function grouped<Key>(fates: readonly Fate[], keyOf: (fate: Fate) => Key): { key: Key; of: Fate[] }[] {
  const groups = new Map<Key, Fate[]>();
  for (const fate of fates) {
    const of = groups.get(keyOf(fate));
    if (of === undefined) groups.set(keyOf(fate), [fate]);
    else of.push(fate);
  }
  return [...groups].map(([key, of]) => ({ key, of }));
}

function perDimension<T>(make: (dimension: Dimension) => T): Readonly<Record<Dimension, T>> {
  return Object.fromEntries(dimensions.map((dimension) => [dimension, make(dimension)])) as Record<Dimension, T>;
}

function utilizationOf({ timeline, to }: Replay, dimension: Dimension): Utilization | null {
  const total = timeline.total[dimension];
  if (total === 0) return null;
  const share = (column: Column) => (timeline.mean(column, to) ?? 0) / total;
  const waiting = timeline.mean(dimension, to, (place) => (timeline.of.queued[place] ?? 0) > 0);
  return {
    mean: share(dimension),
    while_waiting: waiting === null ? null : waiting / total,
    max: timeline.max(dimension) / total,
    stranded: share(`stranded_${dimension}`),
  };
}

/** Does anybody ask for the GPUs that there are? */
function hasGpu({ fates, timeline }: Replay): boolean {
  return timeline.total.gpu > 0 && fates.some(({ deployment }) => deployment.request.perReplica.gpu > 0);
}

function fragmentationOf(replay: Replay): Fragmentation | null {
  const { timeline, to } = replay;
  if (!hasGpu(replay)) return null;
  const total = timeline.total.gpu;
  return { mean: (timeline.mean('fragmented', to) ?? 0) / total, max: timeline.max('fragmented') / total };
}

function fairnessOf(users: RunReport['by_user']): number | null {
  const slowdowns = users.flatMap(({ user, bounded_slowdown: { mean } }) =>
    user === null || mean === null ? [] : [mean],
  );
  return slowdowns.length < 2 ? null : jainIndex(slowdowns);
}

function curvesOf(replay: Replay): Curves {
  const { timeline, from, to } = replay;
  const points = to > from ? curvePoints : 0;
  const curve = (column: Column, total = 1) =>
    points === 0 ? [] : sampled(timeline, column, from, to, points).map((value) => rounded(value / total));
  return {
    time_s: Array.from({ length: points }, (_, i) => rounded(((to - from) / 1000) * (i / points))),
    utilization: perDimension((dimension) =>
      timeline.total[dimension] === 0 ? null : curve(dimension, timeline.total[dimension]),
    ),
    queued: curve('queued'),
    running: curve('running'),
    fragmentation: hasGpu(replay) ? curve('fragmented', timeline.total.gpu) : null,
    wait_percentiles_s: waitPercentiles(replay),
  };
}

function waitPercentiles({ fates, to }: Replay): number[] {
  const waits = fates.map((fate) => waitThatCounts(fate, to)).filter((wait) => wait !== null);
  const sorted = ascending(waits);
  if (sorted.length === 0) return [];
  return Array.from({ length: 101 }, (_, percent) => (percentile(sorted, percent) ?? 0) / 1000);
}

/** To four decimals: more than a plot shows. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
