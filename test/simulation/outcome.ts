import type { DeploymentState } from '../audit/state.ts';
import type { Engine } from './engine.ts';
import type { Asked } from './people.ts';
import type { Scenario } from './scenario.ts';

/** What speaks against how a deployment ended: what the engine really saw of it, and what was asked of it. Null: nothing. */
export function outcomeFault(
  { id, status, attempt, reason_code: code }: DeploymentState,
  { deployment, requested }: Asked,
  engine: Engine,
  scenario: Scenario,
): string | null {
  const ended = engine.ended.filter(({ key }) => key.deploymentId === id && key.attempt === attempt);
  if (attempt > 1 && deployment.retries === 0 && !scenario.preemption)
    return 'nothing was to bring it into the queue again';
  if (status === 'cancelled') return requested.size > 0 ? null : 'nobody asked for that';
  if (status === 'succeeded') {
    if (requested.has('stop') && deployment.kind === 'service') return null;
    const done = new Set(ended.filter(({ exitCode }) => exitCode === 0).map(({ key }) => key.replica));
    return done.size === deployment.replicas
      ? null
      : `${done.size} of its ${deployment.replicas} containers ended well`;
  }
  switch (code) {
    case 'restarts_used_up':
      return deployment.restarts ? null : 'it is not to be started again';
    case 'exit_nonzero':
      return ended.some(({ exitCode, vanished }) => exitCode !== 0 && !vanished)
        ? null
        : 'none of its containers ended so';
    case 'container_lost':
      return ended.some(({ vanished }) => vanished) ? null : 'none of its containers vanished';
    case 'image_not_found':
      return deployment.end === 'no-image' ? null : 'its image is there';
    case 'start_failed':
      return deployment.end === 'no-start' ? null : 'it can be started';
    case 'time_limit':
      return deployment.timeLimitSeconds === null ? 'it has no time limit' : null;
    case 'engine_lost':
      return scenario.faults.some((fault) => fault.kind === 'partition' && fault.from === 'engine')
        ? null
        : 'the engine was always there';
    default:
      return 'that is no way to end';
  }
}
