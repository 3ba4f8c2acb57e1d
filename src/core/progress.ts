/**
 * What an observation does to a deployment: a pure step from a deployment with its replicas to the same with changes.
 * An observation counts only if it is of the present attempt and of a replica that has not ended; anything else is late or
 * repeated, and changes nothing.
 */
import type { DeploymentStatus } from './lifecycle.ts';

/** A job runs to completion, a service until it is stopped. */
export type DeploymentKind = 'job' | 'service';
export type ReplicaStatus = 'starting' | 'running' | 'ended';
/** Why a deployment is stopping: it says how it is to end. */
export type StopIntent =
  | 'stop'
  | 'cancel'
  | 'cluster_deleted'
  | 'time_limit'
  | 'replica_failed'
  | 'preempted'
  | 'drained';

interface Port {
  readonly container: number;
  readonly host: number | null;
  readonly protocol: 'tcp' | 'udp';
}

export interface ReplicaRecord {
  readonly index: number;
  status: ReplicaStatus;
  containerId: string | null;
  ports: readonly Port[];
  exitCode: number | null;
  outOfMemory: boolean;
  reasonCode: string | null;
  reason: string | null;
  startedAt: number | null;
  finishedAt: number | null;
}

export interface DeploymentRecord {
  readonly id: string;
  readonly organizationId: string;
  readonly clusterId: string;
  readonly attempt: number;
  readonly kind: DeploymentKind;
  readonly timeLimitSeconds: number | null;
  status: DeploymentStatus;
  stopIntent: StopIntent | null;
  /** Since when it is `stopping`; null where it is not. What ended before had ended by itself. */
  readonly stoppingSince: number | null;
  reasonCode: string | null;
  reason: string | null;
  exitCode: number | null;
  readonly replicas: readonly ReplicaRecord[];
}

interface ReplicaObservation {
  readonly deploymentId: string;
  readonly attempt: number;
  readonly replica: number;
}

export interface Started extends ReplicaObservation {
  readonly kind: 'started';
  readonly containerId: string;
  readonly at: number;
  readonly ports: readonly Port[];
}

/** `exitCode` is null where the container never ran or is gone. */
export interface Ended extends ReplicaObservation {
  readonly kind: 'ended';
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  readonly at: number;
  /** Set where it did not end by itself: a failed start, a vanished container. */
  readonly cause?: { readonly code: string; readonly message: string };
}

export type Observation = Started | Ended;

export interface Step {
  /** Did it count? */
  readonly accepted: boolean;
  /** The replica that changed; its allocation is freed where it ended. */
  readonly replica: ReplicaRecord | null;
  /** The new status, where it changed; its event is told then. */
  readonly became: DeploymentStatus | null;
}

const nothing: Step = { accepted: false, replica: null, became: null };

/** Applies one observation, in place. */
export function applyObservation(deployment: DeploymentRecord, observation: Observation): Step {
  const replica = deployment.replicas.find((candidate) => candidate.index === observation.replica);
  if (replica === undefined || observation.attempt !== deployment.attempt || replica.status === 'ended') return nothing;
  return observation.kind === 'started'
    ? applyStarted(deployment, replica, observation)
    : applyEnded(deployment, replica, observation);
}

function applyStarted(deployment: DeploymentRecord, replica: ReplicaRecord, observation: Started): Step {
  if (replica.status !== 'starting') return nothing;
  replica.status = 'running';
  replica.containerId = observation.containerId;
  replica.startedAt = observation.at;
  replica.ports = observation.ports;
  const all = deployment.replicas.every((one) => one.status !== 'starting');
  if (deployment.status !== 'starting' || !all) return { accepted: true, replica, became: null };
  deployment.status = 'running';
  deployment.reasonCode = 'started';
  deployment.reason =
    deployment.replicas.length === 1 ? 'its container runs' : `its ${deployment.replicas.length} containers run`;
  return { accepted: true, replica, became: 'running' };
}

function applyEnded(deployment: DeploymentRecord, replica: ReplicaRecord, observation: Ended): Step {
  const outcome = outcomeOf(observation);
  replica.status = 'ended';
  replica.exitCode = observation.exitCode;
  replica.outOfMemory = observation.outOfMemory;
  replica.finishedAt = observation.at;
  replica.reasonCode = outcome.code;
  replica.reason = outcome.message;
  const before = deployment.status;
  if (deployment.status !== 'stopping' && !outcome.good) blame(deployment, replica, outcome);
  if (deployment.replicas.every((one) => one.status === 'ended')) conclude(deployment);
  return { accepted: true, replica, became: deployment.status === before ? null : deployment.status };
}

interface Outcome {
  readonly good: boolean;
  readonly code: string;
  readonly message: string;
}

function outcomeOf(observation: Ended): Outcome {
  if (observation.cause !== undefined) return { good: false, ...observation.cause };
  if (observation.outOfMemory)
    return { good: false, code: 'out_of_memory', message: 'ran out of memory and was killed: ask for more RAM' };
  if (observation.exitCode === 0) return { good: true, code: 'exit_zero', message: 'exited with 0' };
  return { good: false, code: 'exit_nonzero', message: `exited with ${observation.exitCode}` };
}

/** One replica failed: so has the deployment; the others are stopped before it ends. */
function blame(deployment: DeploymentRecord, replica: ReplicaRecord, outcome: Outcome): void {
  const several = deployment.replicas.length > 1;
  deployment.status = 'stopping';
  deployment.stopIntent = 'replica_failed';
  deployment.reasonCode = outcome.code;
  deployment.reason = several ? `replica ${replica.index} ${outcome.message}` : outcome.message;
  deployment.exitCode = replica.exitCode;
}

/** All replicas have ended: how the deployment ends follows from why it was stopping, if it was. */
function conclude(deployment: DeploymentRecord): void {
  if (deployment.status !== 'stopping') {
    succeed(deployment);
    return;
  }
  if (deployment.stopIntent === 'replica_failed') {
    deployment.status = 'failed';
    return;
  }
  if (deployment.stopIntent === 'preempted' || deployment.stopIntent === 'drained') {
    concludeMoved(deployment, deployment.stopIntent);
    return;
  }
  const end = endOf(deployment);
  deployment.status = end.status;
  deployment.reasonCode = end.code;
  deployment.reason = end.message;
  deployment.exitCode = deployment.replicas.find((replica) => replica.exitCode !== null)?.exitCode ?? null;
}

/**
 * Back to the queue, unless it had ended by itself and that was only seen too late: then that is its end. Its reason still
 * says for whom, or why, it was stopped.
 */
function concludeMoved(deployment: DeploymentRecord, intent: 'preempted' | 'drained'): void {
  const { replicas, stoppingSince } = deployment;
  const before = replicas.filter(({ finishedAt }) => finishedAt !== null && finishedAt < (stoppingSince ?? 0));
  const failed = before.find(({ reasonCode }) => reasonCode !== 'exit_zero');
  if (failed !== undefined) {
    blame(deployment, failed, { good: false, code: failed.reasonCode ?? '', message: failed.reason ?? '' });
    deployment.status = 'failed';
  } else if (before.length === replicas.length) {
    succeed(deployment);
  } else {
    deployment.status = 'queued';
    deployment.reasonCode = intent;
  }
}

function succeed(deployment: DeploymentRecord): void {
  deployment.status = 'succeeded';
  deployment.reasonCode = 'exit_zero';
  deployment.reason = deployment.replicas.length > 1 ? 'all replicas exited with 0' : 'exited with 0';
  deployment.exitCode = 0;
}

function endOf(deployment: DeploymentRecord): { status: DeploymentStatus; code: string; message: string } {
  switch (deployment.stopIntent) {
    case 'time_limit':
      return {
        status: 'failed',
        code: 'time_limit',
        message: `ran longer than its time limit of ${deployment.timeLimitSeconds} s`,
      };
    case 'cluster_deleted':
      return { status: 'cancelled', code: 'cluster_deleted', message: 'stopped because its cluster was deleted' };
    case 'stop':
      // A service has done its work when it is stopped; a job has not.
      return {
        status: deployment.kind === 'service' ? 'succeeded' : 'cancelled',
        code: 'stopped',
        message: 'stopped by a user',
      };
    default:
      return { status: 'cancelled', code: 'cancelled', message: 'cancelled by a user' };
  }
}
