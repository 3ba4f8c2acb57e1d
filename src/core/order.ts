/** The order of the queue: effective priority, then time of submission, then id. */
import { compareIds } from './ids.ts';
import type { Policy, QueuedDeployment } from './model.ts';

/** The best priority there is; age raises nobody above it. */
const bestPriority = 1;

/** Milliseconds waited. Never negative: a clock that was set back makes nobody younger than new. */
export function waited(deployment: QueuedDeployment, now: number): number {
  return Math.max(0, now - deployment.queuedAt);
}

/**
 * The priority that age has earned: one better for each whole `agingInterval` waited, never better than 1. Computed from the
 * time of submission in every pass, so that nothing can be counted twice.
 */
export function effectivePriority(deployment: QueuedDeployment, policy: Policy, now: number): number {
  if (policy.agingInterval <= 0) return deployment.priority;
  const earned = Math.floor(waited(deployment, now) / policy.agingInterval);
  return Math.min(deployment.priority, Math.max(bestPriority, deployment.priority - earned));
}

/** Everybody in the order of the scheduler, with the effective priority of each. */
export function inOrder(
  queue: readonly QueuedDeployment[],
  policy: Policy,
  now: number,
): { readonly deployments: readonly QueuedDeployment[]; readonly effective: readonly number[] } {
  const levels: QueuedDeployment[][] = [];
  for (const deployment of queue) {
    const priority = effectivePriority(deployment, policy, now);
    const level = levels[priority];
    if (level === undefined) levels[priority] = [deployment];
    else level.push(deployment);
  }
  const deployments: QueuedDeployment[] = [];
  const effective: number[] = [];
  // By index, so from the best priority on; priorities that nobody has are holes, which forEach leaves out.
  levels.forEach((level, priority) => {
    for (const deployment of byAge(level)) {
      deployments.push(deployment);
      effective.push(priority);
    }
  });
  return { deployments, effective };
}

/**
 * Oldest first, then by id. Time and place in the list are packed into one number each, because the sort of plain numbers is
 * several times faster than one that calls back to compare: it is the largest single cost of a pass over 50,000.
 */
export function byAge(level: readonly QueuedDeployment[]): readonly QueuedDeployment[] {
  const size = level.length;
  let oldest = Number.POSITIVE_INFINITY;
  let youngest = Number.NEGATIVE_INFINITY;
  let whole = true;
  for (const { queuedAt } of level) {
    whole &&= Number.isInteger(queuedAt);
    if (queuedAt < oldest) oldest = queuedAt;
    if (queuedAt > youngest) youngest = queuedAt;
  }
  if (!whole || (youngest - oldest + 1) * size > Number.MAX_SAFE_INTEGER) return level.toSorted(compareByAge);
  const keys = new Float64Array(size);
  for (let i = 0; i < size; i++) keys[i] = ((level[i]?.queuedAt ?? 0) - oldest) * size + i;
  keys.sort();
  const sorted = Array.from(keys, (key) => level[key % size] as QueuedDeployment);
  sortTies(sorted);
  return sorted;
}

/** Those of the same millisecond are in the order of their list so far: puts them into the order of their ids. */
function sortTies(sorted: QueuedDeployment[]): void {
  for (let start = 0; start < sorted.length; ) {
    let end = start + 1;
    while (end < sorted.length && sorted[end]?.queuedAt === sorted[start]?.queuedAt) end++;
    if (end - start > 1) {
      const tied = sorted.slice(start, end).toSorted(compareByAge);
      for (let i = 0; i < tied.length; i++) sorted[start + i] = tied[i] as QueuedDeployment;
    }
    start = end;
  }
}

/** The order of the scheduler. */
export function compareInOrder(a: QueuedDeployment, b: QueuedDeployment, policy: Policy, now: number): number {
  return effectivePriority(a, policy, now) - effectivePriority(b, policy, now) || compareByAge(a, b);
}

/** Who has waited longer, then by id. */
export function compareByAge(a: QueuedDeployment, b: QueuedDeployment): number {
  return a.queuedAt - b.queuedAt || compareIds(a.id, b.id);
}
