import type { Logger } from 'pino';
import { releaseElements, removeEmptyArrays } from '../store/arrays.ts';
import type { Database } from '../store/database.ts';
import { settleDependencies } from '../store/dependencies.ts';
import { repeat } from './repeat.ts';

const settleMs = 1_000;
const emptyMs = 60_000;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  /** Called after a commit: something there may run that might not before. */
  readonly onReleased: (clusterId: string) => void;
  /** Called after a commit that told of something. */
  readonly onEvents: () => void;
}

/**
 * Lets go of deployments that waited for others, and skips those that wait in vain; lets elements of arrays into the queue as others
 * end. It looks when told that something has ended, and once a second: what it is not told, it finds.
 */
export function startSettler({ db, log, onReleased, onEvents }: Deps): { now(): void; close(): Promise<void> } {
  const settling = repeat(settleMs, log, 'the settling of dependencies', async () => {
    // Whoever waits for what was skipped in one round is found in the next, however long the chain.
    for (;;) {
      const { dependents, clusterIds } = await settleDependencies(db);
      if (dependents === 0) break;
      onEvents();
      for (const clusterId of clusterIds) onReleased(clusterId);
    }
    for (const clusterId of await releaseElements(db)) onReleased(clusterId);
  });
  const emptied = repeat(emptyMs, log, 'the removal of empty arrays', () => removeEmptyArrays(db));
  return {
    now: () => settling.now(),
    async close() {
      await settling.stop();
      await emptied.stop();
    },
  };
}
