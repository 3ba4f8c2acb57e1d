/** Which container a person means, and whether it may be looked into. */
import type { ControlPlane } from '../control/control-plane.ts';
import { type ContainerKey, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { type ReplicaPlace, readReplicaPlace } from '../store/replica-reads.ts';
import type { Scope } from '../store/scope.ts';
import { ApiError, notFound } from './errors.ts';

interface Deps {
  readonly db: Database;
  readonly control: ControlPlane;
}

export interface FoundReplica {
  readonly runtime: Runtime;
  readonly key: ContainerKey;
  readonly place: ReplicaPlace;
}

/** Where a session goes on, and how it takes its seat (seats.ts). */
export interface SessionPlace extends Pick<FoundReplica, 'runtime' | 'key'> {
  readonly takeSeat: () => () => void;
}

/** A replica of the latest attempt, whether it runs or not. Throws `not_found`; `not_running` where it has no container at all. */
export async function findReplica(
  { db, control }: Deps,
  scope: Scope,
  deploymentId: string,
  replica: number,
): Promise<FoundReplica> {
  const place = await readReplicaPlace(db, scope, deploymentId, replica);
  if (place === null) throw notFound('deployment');
  if (replica >= place.replicas) {
    throw new ApiError('not_found', `There is no replica ${replica}: they count from 0 to ${place.replicas - 1}.`);
  }
  if (place.replicaStatus === null) throw notRunning(replica, `the deployment is ${place.status}`);
  const key = { clusterId: place.clusterId, deploymentId, attempt: place.attempt, replica, run: place.run ?? 1 };
  return { runtime: control.runtimeOf(place.runtime, place.engineId), key, place };
}

/** As `findReplica`, of one that runs. */
export async function findRunningReplica(
  deps: Deps,
  scope: Scope,
  deploymentId: string,
  replica: number,
): Promise<FoundReplica> {
  const found = await findReplica(deps, scope, deploymentId, replica);
  const { status, replicaStatus } = found.place;
  if (replicaStatus !== 'running') {
    throw notRunning(
      replica,
      replicaStatus === 'ended' ? `it has ended, and the deployment is ${status}` : `it is ${replicaStatus}`,
    );
  }
  return found;
}

function notRunning(replica: number, why: string): ApiError {
  return new ApiError('not_running', `Replica ${replica} does not run: ${why}.`);
}

/** What a runtime says of a container, as the API answers it. */
export async function asAnswer<T>(looking: Promise<T>): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    throw fromRuntime(error);
  }
}

export function fromRuntime(error: unknown): unknown {
  if (!(error instanceof RuntimeError)) return error;
  switch (error.code) {
    case 'unreachable':
      return new ApiError('runtime_unreachable', `Its engine does not answer: ${error.message}.`);
    case 'not_found':
      return new ApiError('not_found', sentence(error.message));
    case 'not_running':
      return new ApiError('not_running', sentence(error.message));
    case 'refused':
    case 'start_failed':
      return new ApiError('conflict', sentence(error.message));
    case 'invalid':
      return new ApiError('unusable', sentence(error.message));
    default:
      return error;
  }
}

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
