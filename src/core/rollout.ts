/**
 * How a running service comes from what runs to what is wanted: which replicas are replaced next, which are added and taken
 * away, when the update is done, and when it is given up. One look at how things stand, answered with what to do now; the next
 * look sees what became of it.
 *
 * This is the rolling update of Kubernetes' Deployments and Nomad's `update` block, with the difference that a replica is replaced
 * in its place instead of beside it: what it holds is its own all the time.
 */
import type { ReplicaStatus } from './lifecycle.ts';

export interface RolloutReplica {
  readonly index: number;
  readonly status: ReplicaStatus;
  /** It runs what is wanted, or will with its next start. */
  readonly isCurrent: boolean;
  /** Whether it waits to be started as what is wanted, and not for having failed. */
  readonly isMoving: boolean;
  readonly isReady: boolean;
  readonly isUnhealthy: boolean;
  /** How often what is wanted has failed in it. */
  readonly failures: number;
  /** It is gone because there were to be fewer: its index may be used again. One that ended by itself has done its work. */
  readonly wasRemoved: boolean;
}

export interface Rollout {
  /** False on the way back to what is known to work: there is nothing to go back to from there. */
  readonly isTrial: boolean;
  /** How many replicas there are to be. */
  readonly wanted: number;
  /** So many may be down at a time because of the update; 1 or more. */
  readonly maxUnavailable: number;
  /** So many failures of what is wanted are borne, in each replica. */
  readonly maxFailures: number;
  /** By index. */
  readonly replicas: readonly RolloutReplica[];
}

export type RolloutStep =
  | { readonly kind: 'roll_back'; readonly index: number }
  | { readonly kind: 'replace' | 'remove' | 'place'; readonly index: number }
  | { readonly kind: 'finish' };

/** What to do now; nothing where something has to become of what was done before. */
export function decideRollout(rollout: Rollout): readonly RolloutStep[] {
  const failed = rollout.isTrial ? rollout.replicas.find((one) => hasFailed(rollout, one)) : undefined;
  if (failed !== undefined) return [{ kind: 'roll_back', index: failed.index }];
  const steps = [...removals(rollout), ...replacements(rollout), ...additions(rollout)];
  return steps.length === 0 && isDone(rollout) ? [{ kind: 'finish' }] : steps;
}

function hasFailed({ wanted, maxFailures }: Rollout, one: RolloutReplica): boolean {
  return one.index < wanted && one.isCurrent && (one.isUnhealthy || one.failures > maxFailures);
}

/** Nothing is stopped while it starts: there may be a container in a moment that nobody knows of yet. */
function canBeMoved({ status }: RolloutReplica): boolean {
  return status === 'running' || status === 'restarting';
}

function removals({ replicas, wanted }: Rollout): RolloutStep[] {
  return replicas
    .filter((one) => one.index >= wanted && canBeMoved(one))
    .map(({ index }): RolloutStep => ({ kind: 'remove', index }));
}

/** Those that are not ready first: to replace them takes nothing away. */
function replacements({ replicas, wanted, maxUnavailable }: Rollout): RolloutStep[] {
  const kept = replicas.filter(({ index, status }) => index < wanted && status !== 'ended');
  let down = kept.filter(({ isReady }) => !isReady).length;
  let underWay = kept.filter(isUnderWay).length;
  const steps: RolloutStep[] = [];
  const outdated = kept.filter((one) => !one.isCurrent && !one.isMoving && canBeMoved(one));
  for (const { index, isReady } of outdated.toSorted(
    (a, b) => Number(a.isReady) - Number(b.isReady) || a.index - b.index,
  )) {
    if (underWay >= maxUnavailable || (isReady && down >= maxUnavailable)) break;
    underWay += 1;
    if (isReady) down += 1;
    steps.push({ kind: 'replace', index });
  }
  return steps;
}

/** Taken down by the update, and not up again. One that fails by itself is not the update's doing, and does not hold it up. */
function isUnderWay({ status, isCurrent, isMoving, isReady }: RolloutReplica): boolean {
  if (status === 'replacing' || isMoving) return true;
  return isCurrent && !isReady && status !== 'restarting';
}

function additions({ replicas, wanted }: Rollout): RolloutStep[] {
  const taken = new Set(replicas.filter(({ wasRemoved }) => !wasRemoved).map(({ index }) => index));
  return Array.from({ length: wanted }, (_, index) => index)
    .filter((index) => !taken.has(index))
    .map((index): RolloutStep => ({ kind: 'place', index }));
}

function isDone({ replicas, wanted }: Rollout): boolean {
  return replicas.every((one) => one.status === 'ended' || (one.index < wanted && one.isCurrent && one.isReady));
}
