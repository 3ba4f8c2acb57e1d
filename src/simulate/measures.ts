/** What a replay says about deployments: how long they waited, and how that compares with how long they ran. */
import { type Fate, type Outcome, outcomes, type Replay, waitOf } from './replay.ts';
import { type Statistics, statisticsOf } from './statistics.ts';

/** Below so many milliseconds a run time counts as so many: else a job of a second would have a slowdown of thousands. */
const shortestRun = 10_000;

/** (wait + run) / run, at least 1, with short runs bounded (Feitelson et al., JSSPP 1997). */
function boundedSlowdown(wait: number, run: number): number {
  return Math.max(1, (wait + run) / Math.max(run, shortestRun));
}

/** Milliseconds. Whoever still waits counts with the wait so far; who was refused or gave up waiting does not count. */
export function waitThatCounts(fate: Fate, to: number): number | null {
  if (fate.startedAt === null && fate.outcome !== 'queued') return null;
  return waitOf(fate, to);
}

/** Only of those that ran to an end. */
export function slowdownThatCounts({ deployment, startedAt, endedAt }: Fate): number | null {
  if (startedAt === null || endedAt === null) return null;
  return boundedSlowdown(startedAt - deployment.submittedAt, endedAt - startedAt);
}

/** Some deployments, summed up. */
export interface Group {
  readonly deployments: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Seconds. */
  readonly wait_s: Statistics;
  readonly bounded_slowdown: Statistics;
  /** Hours of GPU devices and of cores that they have held. */
  readonly gpu_hours: number;
  readonly cpu_hours: number;
  /** How often they were stopped for more important ones, and for how many seconds they had run in vain. */
  readonly preempted: number;
  readonly lost_s: number;
}

export function groupOf(fates: readonly Fate[], to: number): Group {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  for (const { outcome } of fates) counts[outcome]++;
  return {
    deployments: fates.length,
    outcomes: counts,
    wait_s: statisticsOf(numbers(fates.map((fate) => waitThatCounts(fate, to))).map((wait) => wait / 1000)),
    bounded_slowdown: statisticsOf(numbers(fates.map(slowdownThatCounts))),
    gpu_hours: hoursOf(fates, to, 'gpu'),
    cpu_hours: hoursOf(fates, to, 'cpu'),
    preempted: fates.reduce((sum, { preempted }) => sum + preempted, 0),
    lost_s: fates.reduce((sum, { lost }) => sum + lost, 0) / 1000,
  };
}

function numbers(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function hoursOf(fates: readonly Fate[], to: number, dimension: 'gpu' | 'cpu'): number {
  const thousandths = fates.reduce((sum, { deployment, startedAt, endedAt, lost }) => {
    const { perReplica, replicas } = deployment.request;
    const ran = lost + (startedAt === null ? 0 : (endedAt ?? to) - startedAt);
    return sum + perReplica[dimension] * replicas * ran;
  }, 0);
  return thousandths / 1000 / 3_600_000;
}

/** The same group, but by the waits that the trace itself records; null where it records none. */
export function recordedGroup({
  fates,
}: Pick<Replay, 'fates'>): Pick<Group, 'deployments' | 'wait_s' | 'bounded_slowdown'> | null {
  const recorded = fates.flatMap(({ deployment: { recordedWait: wait, runTime, timeLimit } }) =>
    wait === null || runTime === null ? [] : [{ wait, run: Math.min(runTime, timeLimit ?? runTime) }],
  );
  if (recorded.length === 0) return null;
  return {
    deployments: recorded.length,
    wait_s: statisticsOf(recorded.map(({ wait }) => wait / 1000)),
    bounded_slowdown: statisticsOf(recorded.map(({ wait, run }) => boundedSlowdown(wait, run))),
  };
}
