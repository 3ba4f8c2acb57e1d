import type { Ended, Started } from '../core/progress.ts';
import type { ContainerState } from '../runtimes/runtime.ts';

/** What a container's state says of its replica: that it was started. */
export function startedObservation(state: ContainerState): Started {
  const { deploymentId, attempt, replica } = state.key;
  return {
    kind: 'started',
    deploymentId,
    attempt,
    replica,
    containerId: state.containerId,
    at: state.startedAt ?? Date.now(),
    ports: state.ports,
  };
}

/** What an exited container's state says of its replica: how it ended. */
export function endedObservation(state: ContainerState): Ended {
  const { deploymentId, attempt, replica } = state.key;
  return {
    kind: 'ended',
    deploymentId,
    attempt,
    replica,
    exitCode: state.exitCode,
    outOfMemory: state.outOfMemory,
    at: state.finishedAt ?? Date.now(),
  };
}
