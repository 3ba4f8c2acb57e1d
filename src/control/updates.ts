import type { Logger } from 'pino';
import type { Task } from '../queue/task-queue.ts';
import type { Database } from '../store/database.ts';
import { type Advanced, advanceRollout, readUpdating, type Updating } from '../store/rollouts.ts';
import { repeat } from './repeat.ts';

const lookMs = 1_000;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly send: (tasks: readonly Task[]) => void;
  /** Something was written, and what is free in the cluster may have changed. */
  readonly onChanged: (clusterId: string) => void;
}

/** Brings services from what runs to what is wanted, a step at a time: the rules are in src/core/rollout.ts. */
export function startUpdates(deps: Deps): { close(): Promise<void> } {
  const look = repeat(lookMs, deps.log, 'updates of services', async () => {
    for (const one of await readUpdating(deps.db)) {
      // What goes wrong with one does not keep the others waiting.
      await advance(deps, one).catch((error: unknown) =>
        deps.log.error({ err: error, deployment: one.id }, 'a step of an update failed; the next look tries again'),
      );
    }
  });
  return { close: () => look.stop() };
}

async function advance(deps: Deps, one: Updating): Promise<void> {
  const advanced = await advanceRollout(deps.db, one);
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
