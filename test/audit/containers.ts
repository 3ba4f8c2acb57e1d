import type { ContainerKey } from '../../src/runtimes/runtime.ts';
import type { DatabaseState } from './state.ts';
import { Violation } from './violation.ts';

/** Each that runs holds what it uses, and no other runs in its place. Throws a Violation. */
export function checkContainers(
  running: readonly Omit<ContainerKey, 'clusterId'>[],
  { allocations, replicas }: Pick<DatabaseState, 'allocations' | 'replicas'>,
): void {
  const holding = new Set(allocations.map((one) => `${one.deployment_id}/${one.replica}/${one.attempt}`));
  // Its engine was silent for too long: it is stopped when that is back, before anything else is placed there.
  const givenUp = new Set(
    replicas
      .filter(({ reason_code: code }) => code === 'engine_lost')
      .map((one) => `${one.deployment_id}/${one.index}/${one.attempt}`),
  );
  const seen = new Set<string>();
  for (const { deploymentId, attempt, replica, run } of running) {
    const name = `${deploymentId}/${replica}`;
    if (seen.has(name)) throw new Violation('run twice at once', `replica ${name} runs twice at once`);
    seen.add(name);
    if (holding.has(`${name}/${attempt}`) || givenUp.has(`${name}/${attempt}`)) continue;
    const what = `run ${run} of attempt ${attempt} of replica ${name}`;
    throw new Violation('over capacity', `${what} uses what it does not hold`);
  }
}
