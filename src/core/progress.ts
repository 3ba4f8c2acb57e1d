/**
 * What an observation does to a deployment: a pure step from a deployment with its replicas to the same with changes.
 * An observation counts only if it is of the present attempt, and of the present run of a replica that has not ended; anything
 * else is late or repeated, and changes nothing.
 */
import type { Health } from './health.ts';
import type { DeploymentStatus, ReplicaStatus } from './lifecycle.ts';
import { reasonText } from './reasons.ts';
import { decideRestart, type RestartDecision, type RestartPolicy } from './restart.ts';
import { type RetryPolicy, retriesLeft } from './retry.ts';

/** A job runs to completion, a service until it is stopped. */
export type DeploymentKind = 'job' | 'service';
export type { ReplicaStatus };
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
  /** What its health check said last; null where there is none. */
  readonly health: Health | null;
  readonly healthMessage: string | null;
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
  /** The present one, or the latest where the next is still waited for. */
  readonly run: number;
  restarts: number;
  restartsInRow: number;
  /** What it runs: a revision of its service. */
  readonly revision: number;
  /** How often that has failed in it, while it was tried. */
  failures: number;
  /** Milliseconds from now; set where it is `restarting`. */
  nextStartIn: number | null;
}

export interface DeploymentRecord {
  readonly id: string;
  readonly organizationId: string;
  readonly clusterId: string;
  readonly attempt: number;
  readonly kind: DeploymentKind;
  readonly timeLimitSeconds: number | null;
  readonly stopGraceSeconds: number;
  /** Null where a failed attempt is not repeated. */
  readonly retry: RetryPolicy | null;
  retriesUsed: number;
  /** What is wanted of it, and what it is known to work with: two where it is being updated. */
  readonly revision: number;
  readonly stableRevision: number;
  /** Null where replicas are not started again. */
  readonly restart: RestartPolicy | null;
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
  readonly run: number;
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

/** A replica that waits for its next start is not started again: its deployment is being stopped. */
interface CalledOff extends ReplicaObservation {
  readonly kind: 'called_off';
}

export type Observation = Started | Ended | CalledOff;

/** The attempt that failed and is answered with another one. */
export interface Retried {
  readonly attempt: number;
  readonly reasonCode: string;
  readonly exitCode: number | null;
  readonly retriesLeft: number;
}

export interface Step {
  /** Did it count? */
  readonly accepted: boolean;
  /** The replica that changed; its allocation is freed where it ended. */
  readonly replica: ReplicaRecord | null;
  /** The new status, where it changed; its event is told then. */
  readonly became: DeploymentStatus | null;
  /** Set where the replica is to be started again, or runs again; told as an event of its own. */
  readonly told: { readonly type: 'replica.restarting' | 'replica.restarted'; readonly message: string } | null;
  readonly retried: Retried | null;
}

const nothing: Step = { accepted: false, replica: null, became: null, told: null, retried: null };

/** Applies one observation, in place. */
export function applyObservation(deployment: DeploymentRecord, observation: Observation): Step {
  const replica = deployment.replicas.find((candidate) => candidate.index === observation.replica);
  if (replica === undefined || observation.attempt !== deployment.attempt || observation.run !== replica.run)
    return nothing;
  switch (observation.kind) {
    case 'started':
      return replica.status === 'starting' ? applyStarted(deployment, replica, observation) : nothing;
    case 'ended':
      return isUnderWay(replica) ? applyEnded(deployment, replica, observation) : nothing;
    case 'called_off':
      return replica.status === 'restarting' && deployment.status === 'stopping'
        ? applyCalledOff(deployment, replica)
        : nothing;
  }
}

/** It has a container, or is about to: not where its run is over. */
function isUnderWay({ status }: ReplicaRecord): boolean {
  return status !== 'restarting' && status !== 'ended';
}

function applyStarted(deployment: DeploymentRecord, replica: ReplicaRecord, observation: Started): Step {
  replica.status = 'running';
  replica.containerId = observation.containerId;
  replica.startedAt = observation.at;
  replica.ports = observation.ports;
  const step = { ...nothing, accepted: true, replica };
  if (runsNow(deployment)) return { ...step, became: 'running' };
  return replica.run === 1 ? step : { ...step, told: tellRestarted(deployment, replica) };
}

/** The deployment runs once all of its replicas have been started. */
function runsNow(deployment: DeploymentRecord): boolean {
  const { status, replicas } = deployment;
  if (status !== 'starting' || replicas.some((one) => one.status === 'starting')) return false;
  deployment.status = 'running';
  deployment.reasonCode = 'started';
  deployment.reason = replicas.length === 1 ? 'its container runs' : `its ${replicas.length} containers run`;
  return true;
}

function tellRestarted(deployment: DeploymentRecord, replica: ReplicaRecord): Step['told'] {
  const who = deployment.replicas.length === 1 ? 'its container' : `replica ${replica.index}`;
  const message = reasonText('restarted', { who, run: replica.run });
  const othersWait = deployment.replicas.some((one) => one.status === 'restarting');
  if (deployment.status === 'running' && !othersWait) {
    deployment.reasonCode = 'restarted';
    deployment.reason = message;
  }
  return { type: 'replica.restarted', message };
}

function applyEnded(deployment: DeploymentRecord, replica: ReplicaRecord, observation: Ended): Step {
  const isForHealth = observation.cause === undefined && isEndedForHealth(deployment, replica);
  const outcome = isForHealth ? unhealthy(replica) : outcomeOf(observation);
  replica.exitCode = observation.exitCode;
  replica.outOfMemory = observation.outOfMemory;
  replica.finishedAt = observation.at;
  replica.reasonCode = outcome.code;
  replica.reason = outcome.message;
  if (deployment.status !== 'stopping' && replica.status === 'replacing') return applyReplaced(replica);
  const wasToGo = replica.status === 'removing';
  if (wasToGo) {
    replica.reasonCode = 'scaled_down';
    replica.reason = reasonText('scaled_down', {});
  }
  const restart = wasToGo ? noRestart : restartOf(deployment, replica, outcome);
  if (restart.kind === 'restart') {
    replica.status = 'restarting';
    replica.restarts += 1;
    if (isTried(deployment, replica)) replica.failures += 1;
    replica.restartsInRow = restart.restartsInRow;
    replica.nextStartIn = restart.inMs;
    const told = tellRestarting(deployment, replica, restart.inMs);
    return { ...nothing, accepted: true, replica, became: runsNow(deployment) ? 'running' : null, told };
  }
  replica.status = 'ended';
  const before = deployment.status;
  if (restart.kind === 'used_up') blame(deployment, replica, usedUp(outcome, restart.restartsInRow));
  else if (deployment.status !== 'stopping' && !outcome.good && !wasToGo) blame(deployment, replica, outcome);
  return concluded(deployment, replica, before);
}

const noRestart = { kind: 'none' } as const;
/** What is tried is not given up by the replica that it fails in, but by its update (rollout.ts). */
const whileTried: RestartPolicy = { policy: 'always', maxRestarts: null };

/** Only while the deployment is to run on, and only what has run before: an image that is not there ends the first attempt. */
function restartOf(deployment: DeploymentRecord, replica: ReplicaRecord, outcome: Outcome): RestartDecision {
  const { status, restart } = deployment;
  // Where its engine is lost, its place is too.
  if ((status !== 'starting' && status !== 'running') || outcome.code === 'engine_lost') return noRestart;
  if (isTried(deployment, replica)) return decideRestart(whileTried, endedRun(replica, outcome));
  const neverRan = status === 'starting' && outcome.failedStart;
  return neverRan ? noRestart : decideRestart(restart, endedRun(replica, outcome));
}

function isTried({ revision, stableRevision }: DeploymentRecord, replica: ReplicaRecord): boolean {
  return revision !== stableRevision && replica.revision === revision;
}

/** Its next run begins at once, as what is wanted. */
function applyReplaced(replica: ReplicaRecord): Step {
  replica.status = 'restarting';
  replica.restartsInRow = 0;
  replica.nextStartIn = 0;
  replica.reasonCode = 'replaced';
  replica.reason = reasonText('replaced', {});
  return { ...nothing, accepted: true, replica };
}

function endedRun({ startedAt, finishedAt, restartsInRow }: ReplicaRecord, { good }: Outcome) {
  return { good, restartsInRow, ranMs: startedAt === null || finishedAt === null ? 0 : finishedAt - startedAt };
}

function tellRestarting(deployment: DeploymentRecord, replica: ReplicaRecord, inMs: number): Step['told'] {
  const why = deployment.replicas.length > 1 ? `replica ${replica.index} ${replica.reason}` : (replica.reason ?? '');
  const message = reasonText('restarting', { why, seconds: inMs / 1000 });
  if (deployment.status === 'running') {
    deployment.reasonCode = 'restarting';
    deployment.reason = message;
  }
  return { type: 'replica.restarting', message };
}

function applyCalledOff(deployment: DeploymentRecord, replica: ReplicaRecord): Step {
  replica.status = 'ended';
  replica.nextStartIn = null;
  replica.reasonCode = 'called_off';
  replica.reason = reasonText('called_off', {});
  return concluded(deployment, replica, deployment.status);
}

/** What becomes of the deployment once this replica has ended. */
function concluded(deployment: DeploymentRecord, replica: ReplicaRecord, before: DeploymentStatus): Step {
  const retried = deployment.replicas.every((one) => one.status === 'ended') ? conclude(deployment) : null;
  const became = deployment.status === before ? null : deployment.status;
  return { ...nothing, accepted: true, replica, became, retried };
}

/** Its restart policy is to start it again: that is why it is stopped, however its program takes that. */
function isEndedForHealth({ status, restart }: DeploymentRecord, replica: ReplicaRecord): boolean {
  const isRestarted = restart !== null && restart.policy !== 'never';
  return isRestarted && status !== 'stopping' && replica.status === 'running' && replica.health === 'unhealthy';
}

function unhealthy({ healthMessage }: ReplicaRecord): Outcome {
  const message = reasonText('unhealthy', { message: healthMessage ?? '' });
  return { good: false, code: 'unhealthy', message, failedStart: false };
}

interface Outcome {
  readonly good: boolean;
  readonly code: string;
  readonly message: string;
  /** Its program never ran. */
  readonly failedStart: boolean;
}

function outcomeOf(observation: Ended): Outcome {
  const { cause, exitCode } = observation;
  if (cause !== undefined) return { good: false, ...cause, failedStart: !cause.code.endsWith('_lost') };
  const ran = { failedStart: false };
  if (observation.outOfMemory)
    return {
      good: false,
      code: 'out_of_memory',
      message: 'ran out of memory and was killed: ask for more RAM',
      ...ran,
    };
  if (exitCode === 0) return { good: true, code: 'exit_zero', message: 'exited with 0', ...ran };
  return { good: false, code: 'exit_nonzero', message: `exited with ${exitCode}`, ...ran };
}

type Blame = Pick<Outcome, 'code' | 'message'>;

function usedUp({ message }: Outcome, restarts: number): Blame {
  return { code: 'restarts_used_up', message: reasonText('restarts_used_up', { why: message, restarts }) };
}

/** One replica failed: so has the deployment; the others are stopped before it ends. */
function blame(deployment: DeploymentRecord, replica: ReplicaRecord, { code, message }: Blame): void {
  const several = deployment.replicas.length > 1;
  deployment.status = 'stopping';
  deployment.stopIntent = 'replica_failed';
  deployment.reasonCode = code;
  deployment.reason = several ? `replica ${replica.index} ${message}` : message;
  deployment.exitCode = replica.exitCode;
}

/** All replicas have ended: how the deployment ends follows from why it was stopping, if it was. */
function conclude(deployment: DeploymentRecord): Retried | null {
  if (deployment.status !== 'stopping') return succeed(deployment);
  switch (deployment.stopIntent) {
    case 'replica_failed':
      return fail(deployment);
    case 'preempted':
    case 'drained':
    case 'time_limit':
      return concludeOverruled(deployment, deployment.stopIntent);
    default:
      return finish(deployment, endOf(deployment));
  }
}

/**
 * It was to be stopped for a reason that is not its own; what had ended by itself before that, and was only seen too late, has
 * ended so.
 */
function concludeOverruled(
  deployment: DeploymentRecord,
  intent: 'preempted' | 'drained' | 'time_limit',
): Retried | null {
  const { replicas, stoppingSince } = deployment;
  const before = replicas.filter(
    ({ finishedAt, reasonCode }) =>
      finishedAt !== null && finishedAt < (stoppingSince ?? 0) && !endedByStop.has(reasonCode ?? ''),
  );
  const failed = before.find(({ reasonCode }) => reasonCode !== 'exit_zero');
  if (failed !== undefined) {
    blame(deployment, failed, { code: failed.reasonCode ?? '', message: failed.reason ?? '' });
    return fail(deployment);
  }
  if (before.length === replicas.length) return succeed(deployment);
  if (intent === 'time_limit') return concludeTimeLimit(deployment);
  // Its reason still says for whom, or why, it was stopped.
  deployment.status = 'queued';
  deployment.reasonCode = intent;
  return null;
}

/** There was nothing that could have ended by itself. */
const endedByStop: ReadonlySet<string> = new Set(['stopped', 'called_off', 'replaced', 'scaled_down']);

function concludeTimeLimit(deployment: DeploymentRecord): Retried | null {
  const { replicas, timeLimitSeconds, stopGraceSeconds } = deployment;
  const wasKilled = replicas.some(({ exitCode, outOfMemory }) => exitCode === killed && !outOfMemory);
  const how = wasKilled
    ? `, and was killed after its grace of ${stopGraceSeconds} s`
    : `, and ended within its grace of ${stopGraceSeconds} s`;
  deployment.reasonCode = 'time_limit';
  deployment.reason = reasonText('time_limit', { seconds: timeLimitSeconds ?? 0, how });
  deployment.exitCode = exitCodeOf(deployment);
  return fail(deployment);
}

/** 128 and the number of SIGKILL. */
const killed = 137;

/** The attempt has failed of what its reason says; the deployment with it, unless it is worth another attempt. */
function fail(deployment: DeploymentRecord): Retried | null {
  const { attempt, retry, retriesUsed, reasonCode, reason, exitCode } = deployment;
  const code = reasonCode ?? '';
  if (code === 'engine_lost' && isKept(deployment)) return reschedule(deployment);
  const left = retriesLeft(retry, retriesUsed, { code, exitCode });
  if (left === null) {
    deployment.status = 'failed';
    return null;
  }
  deployment.status = 'queued';
  deployment.retriesUsed += 1;
  deployment.reasonCode = 'retrying';
  deployment.reason = reasonText('retrying', { attempt, why: reason ?? '', left });
  deployment.exitCode = null;
  return { attempt, reasonCode: code, exitCode, retriesLeft: left };
}

/** A service that is to be started again when it fails is, wherever there is room. */
function isKept({ kind, restart }: DeploymentRecord): boolean {
  return kind === 'service' && restart !== null && restart.policy !== 'never';
}

function reschedule(deployment: DeploymentRecord): null {
  deployment.status = 'queued';
  deployment.reason = reasonText('rescheduled', { why: deployment.reason ?? '' });
  deployment.reasonCode = 'rescheduled';
  deployment.exitCode = null;
  return null;
}

function succeed(deployment: DeploymentRecord): null {
  deployment.status = 'succeeded';
  deployment.reasonCode = 'exit_zero';
  deployment.reason = deployment.replicas.length > 1 ? 'all replicas exited with 0' : 'exited with 0';
  deployment.exitCode = 0;
  return null;
}

interface End {
  readonly status: DeploymentStatus;
  readonly code: string;
  readonly message: string;
}

function finish(deployment: DeploymentRecord, { status, code, message }: End): null {
  deployment.status = status;
  deployment.reasonCode = code;
  deployment.reason = message;
  deployment.exitCode = exitCodeOf(deployment);
  return null;
}

function exitCodeOf({ replicas }: DeploymentRecord): number | null {
  return (
    replicas.find(({ exitCode, reasonCode }) => exitCode !== null && reasonCode !== 'scaled_down')?.exitCode ?? null
  );
}

/** What a person's wish makes of it. */
function endOf({ stopIntent, kind }: DeploymentRecord): End {
  switch (stopIntent) {
    case 'cluster_deleted':
      return { status: 'cancelled', code: 'cluster_deleted', message: 'stopped because its cluster was deleted' };
    case 'stop':
      // A service has done its work when it is stopped; a job has not.
      return { status: kind === 'service' ? 'succeeded' : 'cancelled', code: 'stopped', message: 'stopped by a user' };
    default:
      return { status: 'cancelled', code: 'cancelled', message: 'cancelled by a user' };
  }
}
