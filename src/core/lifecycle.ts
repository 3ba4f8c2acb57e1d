/** The life of a deployment and of its replicas: their statuses, and which change is legal for which cause. */
import type { ReasonCode } from './reasons.ts';

export const statuses = [
  'queued',
  'starting',
  'running',
  'stopping',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
] as const;
export type DeploymentStatus = (typeof statuses)[number];

/** Those that hold resources: an allocation exists exactly while its deployment is in one of these. */
export const activeStatuses = ['starting', 'running', 'stopping'] as const satisfies readonly DeploymentStatus[];
/** Those that nothing but a retry leaves. */
export const finalStatuses = [
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
] as const satisfies readonly DeploymentStatus[];

export type ActiveStatus = (typeof activeStatuses)[number];
export type FinalStatus = (typeof finalStatuses)[number];

/** What an attempt fails of by itself. Of a service only what its restart policy does not answer. */
const failures = [
  'exit_nonzero',
  'out_of_memory',
  'image_not_found',
  'image_pull_denied',
  'image_pull_failed',
  'start_failed',
  'container_lost',
  'engine_lost',
  'restarts_used_up',
] as const satisfies readonly ReasonCode[];

/**
 * From each status to each that may follow, with what causes it. Whatever is not here is illegal: a conflict (409) where a
 * person asked for it, ignored where a late observation did. No status follows itself: a repeat changes nothing.
 *
 * What waits for others is queued like the rest, and is skipped where what it waits for can't come about any more.
 *
 * Who is stopped for somebody more important, or because its node is drained, goes back to the queue when its containers have
 * ended. What had ended by itself before it was told to stop has ended: an end that is seen late is no other end.
 *
 * An end may be seen before the start was (short runs, lost observations), so `starting` goes to every end that `running`
 * goes to. Where a gang loses one replica, it is `stopping` until the others have ended. What an attempt failed of may be worth
 * another one (retry.ts): then it goes back to the queue instead.
 */
export const transitions = {
  queued: {
    starting: ['admitted'],
    cancelled: ['cancelled', 'cluster_deleted'],
    skipped: ['dependency_not_met'],
  },
  starting: {
    running: ['started'],
    stopping: ['stopped', 'cancelled', 'cluster_deleted', 'time_limit', 'replica_failed', 'drained'],
    succeeded: ['exit_zero'],
    failed: failures,
    queued: ['retrying', 'rescheduled'],
  },
  running: {
    stopping: ['stopped', 'cancelled', 'cluster_deleted', 'time_limit', 'replica_failed', 'preempted', 'drained'],
    succeeded: ['exit_zero'],
    failed: failures,
    queued: ['retrying', 'rescheduled'],
  },
  stopping: {
    // A service has done its work when its user stops it; a job has not.
    succeeded: ['stopped', 'exit_zero'],
    cancelled: ['stopped', 'cancelled', 'cluster_deleted'],
    failed: ['time_limit', ...failures],
    queued: ['preempted', 'drained', 'retrying', 'rescheduled'],
  },
  succeeded: { queued: ['retried'] },
  failed: { queued: ['retried'] },
  cancelled: { queued: ['retried'] },
  skipped: { queued: ['retried'] },
} as const satisfies Readonly<
  Record<DeploymentStatus, Readonly<Partial<Record<DeploymentStatus, readonly [ReasonCode, ...ReasonCode[]]>>>>
>;

/**
 * `restarting`: a replica of a service whose run is over, and which keeps its place until the next one begins. `ended`: nothing of
 * it is left, and what it held is free. `replacing` and `removing`: its container is being stopped while its service goes on, for
 * another in its place, or for good.
 */
export const replicaStatuses = ['starting', 'running', 'restarting', 'replacing', 'removing', 'ended'] as const;
export type ReplicaStatus = (typeof replicaStatuses)[number];

/** How a run ends that its deployment outlives: by itself, or because it could not begin. */
const endsOfRun = [
  'exit_zero',
  'exit_nonzero',
  'out_of_memory',
  'image_not_found',
  'image_pull_denied',
  'image_pull_failed',
  'start_failed',
  'container_lost',
] as const satisfies readonly ReasonCode[];
/** Where the engine is lost, there is no place to start it again in. */
const endsOfReplica = [...endsOfRun, 'engine_lost', 'stopped'] as const;

/** The same for one replica. The cause is the reason that its row gets; that of the next start is the deployment's. */
export const replicaTransitions = {
  starting: { running: ['started'], restarting: endsOfRun, ended: endsOfReplica },
  running: {
    // Nobody stops what is unhealthy and would not be started again; but there may be an end to its restarts.
    restarting: [...endsOfRun, 'unhealthy'],
    replacing: ['updated'],
    removing: ['scaled_down'],
    ended: [...endsOfReplica, 'unhealthy'],
  },
  restarting: { starting: ['restarting', 'updated'], removing: ['scaled_down'], ended: ['called_off'] },
  replacing: { restarting: ['replaced'], ended: endsOfReplica },
  removing: { ended: ['scaled_down'] },
  // Only of one that was taken away before.
  ended: { starting: ['scaled_up'] },
} as const satisfies Readonly<Record<ReplicaStatus, Readonly<Partial<Record<ReplicaStatus, readonly ReasonCode[]>>>>>;

/** The causes that lead from one status to another; empty where that is illegal. */
export function causesOf(from: DeploymentStatus, to: DeploymentStatus): readonly ReasonCode[] {
  const following: Readonly<Partial<Record<DeploymentStatus, readonly ReasonCode[]>>> = transitions[from];
  return following[to] ?? [];
}

export function canTransition(from: DeploymentStatus, to: DeploymentStatus): boolean {
  return causesOf(from, to).length > 0;
}

export function isActive(status: DeploymentStatus): status is ActiveStatus {
  return (activeStatuses as readonly DeploymentStatus[]).includes(status);
}

export function isFinal(status: DeploymentStatus): status is FinalStatus {
  return (finalStatuses as readonly DeploymentStatus[]).includes(status);
}
