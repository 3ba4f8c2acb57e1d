import type { Ended, Started } from '../core/progress.ts';
import type { ContainerState } from '../runtimes/runtime.ts';
import type { Observations, Recorded } from './observations.ts';

/**
 * Records all that a container's state says: that it was started, and how it ended if it has. A container that ends at once
 * was started all the same; whoever sees it first tells both.
 */
export async function recordState(observations: Observations, state: ContainerState): Promise<Recorded> {
  if (state.status === 'created') return null;
  const started = state.startedAt === null ? null : observations.record(startedObservation(state));
  const ended = state.status === 'exited' ? observations.record(endedObservation(state)) : null;
  const recorded = await Promise.all([started, ended]);
  return recorded.find((one) => one !== null) ?? null;
}

/** What a container's state says of its replica: that it was started. */
function startedObservation(state: ContainerState): Started {
  const { deploymentId, attempt, replica, run } = state.key;
  return {
    kind: 'started',
    deploymentId,
    attempt,
    replica,
    run,
    containerId: state.containerId,
    at: state.startedAt ?? Date.now(),
    ports: state.ports,
  };
}

const evictedMessage = 'the swarm took its place away: its node was drained there, or was not seen for a while';

/** What an exited container's state says of its replica: how it ended. */
function endedObservation(state: ContainerState): Ended {
  const { deploymentId, attempt, replica, run } = state.key;
  return {
    kind: 'ended',
    deploymentId,
    attempt,
    replica,
    run,
    exitCode: state.exitCode,
    outOfMemory: state.outOfMemory,
    at: state.finishedAt ?? Date.now(),
    // It did not fail, and might as well have gone on: what is worth another attempt gets one.
    ...(state.evicted && { cause: { code: 'engine_lost', message: evictedMessage } }),
  };
}
