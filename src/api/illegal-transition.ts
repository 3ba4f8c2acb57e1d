import type { DeploymentStatus } from '../core/lifecycle.ts';
import { ApiError } from './errors.ts';

/** What can be done to a deployment, by its status: the answer to whoever tried something else. */
const possible: Readonly<Record<DeploymentStatus, string>> = {
  queued: 'It can be cancelled, deleted, or given another priority',
  starting: 'It can be stopped, cancelled or deleted',
  running: 'It can be stopped, cancelled or deleted',
  stopping: 'It can be deleted; anything else has to wait until it has stopped',
  succeeded: 'It can be retried or deleted',
  failed: 'It can be retried or deleted',
  cancelled: 'It can be retried or deleted',
  skipped: 'It can be retried or deleted',
};

/** 409 that names the present status and what it allows. */
export function illegalTransition(verb: string, status: DeploymentStatus): ApiError {
  return new ApiError('illegal_transition', `Cannot ${verb} a deployment that is ${status}. ${possible[status]}.`);
}
