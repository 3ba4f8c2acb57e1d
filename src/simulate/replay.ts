/** What a replay gives: what became of every deployment, and how the cluster looked meanwhile. */
import type { Policy } from '../core/model.ts';
import type { Timeline } from './timeline.ts';
import type { TraceDeployment } from './trace.ts';

export interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

/** In the order of a life; the last two only where the replay ended before the deployment did. */
export const outcomes = [
  'succeeded',
  'failed',
  /** Stopped by its time limit. */
  'timed_out',
  'cancelled',
  /** Even the empty cluster could not hold it: refused at submission. */
  'refused',
  'running',
  'queued',
] as const;
export type Outcome = (typeof outcomes)[number];

export interface Fate {
  readonly deployment: TraceDeployment;
  outcome: Outcome;
  /** Of its last attempt. */
  startedAt: number | null;
  endedAt: number | null;
  /** How often it was stopped for one that is more important, and queued again. */
  preempted: number;
  /** How long it had run in vain by then, in milliseconds, added up. */
  lost: number;
}

/** Counted over all passes in which somebody waited. */
export interface PassTotals {
  passes: number;
  admitted: number;
  /** What nobody could have admitted more than (model.ts, Quality). */
  bound: number;
  /** Passes that nobody could have planned better. */
  proven: number;
}

export interface Replay {
  readonly policy: NamedPolicy;
  /** In the order of the trace. Those that were submitted after the end of the replay are left out. */
  readonly fates: readonly Fate[];
  readonly passes: PassTotals;
  readonly timeline: Timeline;
  /** From the first submission to the last event, in milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** How long it waited until it was started, or given up; until the end of the replay where it still waits. Milliseconds. */
export function waitOf({ deployment, startedAt, endedAt }: Fate, to: number): number {
  return (startedAt ?? endedAt ?? to) - deployment.submittedAt;
}
