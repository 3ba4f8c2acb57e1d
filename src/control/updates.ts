import type { Logger } from 'pino';
import type { Task } from '../queue/task-queue.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { type Advanced, advanceRollout, readUpdating, type Updating } from '../store/rollouts.ts';
import type { EngineKey } from '../store/work.ts';
import type { Observations } from './observations.ts';
import { createProven, type Proven } from './proven.ts';
import { repeat } from './repeat.ts';

const lookMs = 1_000;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly runtimeOf: (engine: EngineKey) => Runtime;
  readonly observations: Observations;
  readonly send: (tasks: readonly Task[]) => void;
  /** Something was written, and what is free in the cluster may have changed. */
  readonly onChanged: (clusterId: string) => void;
}

/** Brings services from what runs to what is wanted, a step at a time: the rules are in src/core/rollout.ts. */
export function startUpdates(deps: Deps): { close(): Promise<void> } {
  const proven = createProven(deps);
  const look = repeat(lookMs, deps.log, 'updates of services', async () => {
    const updating = await readUpdating(deps.db);
    proven.forgetAllBut(new Set(updating.map(({ id }) => id)));
    for (const one of updating) {
      // What goes wrong with one does not keep the others waiting.
      await advance(deps, proven, one).catch((error: unknown) =>
        deps.log.error({ err: error, deployment: one.id }, 'a step of an update failed; the next look tries again'),
      );
    }
  });
  return { close: () => look.stop() };
}

async function advance(deps: Deps, proven: Proven, one: Updating): Promise<void> {
  const advanced = await advanceRollout(deps.db, one, await proven.of(one));
  if (advanced === null) return;
  deps.send(tasksAfter(advanced));
  if (advanced.changed) deps.onChanged(advanced.clusterId);
}

function tasksAfter({ id: deploymentId, attempt, toReplace, toStart }: Advanced): Task[] {
  return [
    ...(toReplace ? [{ kind: 'replace' as const, deploymentId, attempt }] : []),
    ...(toStart ? [{ kind: 'start' as const, deploymentId, attempt }] : []),
  ];
}
