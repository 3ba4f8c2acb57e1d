/** Changes to a trace before it is replayed: fewer deployments, more load, other priorities. Each says in a note what it did. */
import { defaultPriority, type Trace, type TraceDeployment } from './trace.ts';

/** Only the first so many. */
export function limited(trace: Trace, limit: number): Trace {
  if (limit >= trace.deployments.length) return trace;
  const note = `Only the first ${limit} of ${trace.deployments.length} deployments are replayed.`;
  return { ...trace, deployments: trace.deployments.slice(0, limit), notes: [...trace.notes, note] };
}

/** Everything is submitted so many times as fast; how long it runs stays. */
export function loaded(trace: Trace, factor: number): Trace {
  const from = trace.deployments[0]?.submittedAt ?? 0;
  const sooner = (at: number) => Math.round(from + (at - from) / factor);
  const deployments = trace.deployments.map((deployment): TraceDeployment => {
    const { submittedAt, cancelledAt } = deployment;
    const moved = sooner(submittedAt);
    const givenUp = cancelledAt === null ? null : moved + (cancelledAt - submittedAt);
    // What was waited in reality was waited under another load.
    return { ...deployment, submittedAt: moved, cancelledAt: givenUp, recordedWait: null };
  });
  return { ...trace, deployments, notes: [...trace.notes, `Everything is submitted ${factor} times as fast.`] };
}

/** What a trace can say about a deployment that a priority is derived from. */
export type PriorityMark = 'queue' | 'qos' | 'user' | 'group';

/** Classes of openb, and what they stand for in Kubernetes: promised, latency-sensitive, in between, best effort. */
const qosPriorities: Readonly<Record<string, number>> = { Guaranteed: 20, LS: 30, Burstable: 50, BE: 70 };

/** Priorities by what the trace says about a deployment; those that the mapping does not name keep theirs. */
export function prioritized(trace: Trace, mark: PriorityMark, given: Readonly<Record<string, number>>): Trace {
  const priorities: Readonly<Record<string, number>> = { ...(mark === 'qos' && qosPriorities), ...given };
  const deployments = trace.deployments.map((deployment) => ({
    ...deployment,
    priority: priorities[deployment.marks[mark] ?? ''] ?? deployment.priority,
  }));
  const mapped = Object.entries(priorities).map(([value, priority]) => `${value}: ${priority}`);
  const note = `Priorities are by ${mark} (${mapped.join(', ')}; others: ${defaultPriority}).`;
  return { ...trace, deployments, notes: [...trace.notes, note] };
}

/** The values that a trace has for a mark. */
export function valuesOf(trace: Trace, mark: PriorityMark): string[] {
  return [...new Set(trace.deployments.flatMap(({ marks }) => marks[mark] ?? []))].toSorted();
}
