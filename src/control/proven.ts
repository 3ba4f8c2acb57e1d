import type { Logger } from 'pino';
import type { Runtime } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { readTrials, type Trial, type Updating } from '../store/rollouts.ts';
import type { EngineKey } from '../store/work.ts';
import type { Observations } from './observations.ts';
import { recordState } from './state-observations.ts';

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly runtimeOf: (engine: EngineKey) => Runtime;
  readonly observations: Observations;
}

export interface Proven {
  /** The runs of its replicas that have proven themselves, by name (`Trial`). */
  of(updating: Updating): Promise<readonly string[]>;
  forgetAllBut(deploymentIds: ReadonlySet<string>): void;
}

/**
 * Replicas without a health check are ready when they have run for long enough. What says that one runs may be older than that: its end
 * may be on its way here. So its engine is asked, once it has come so far, and only who runs then has proven itself.
 */
export function createProven(deps: Deps): Proven {
  const proven = new Map<string, Set<string>>();
  return {
    async of(updating) {
      const before = proven.get(updating.id) ?? new Set();
      const now = new Set<string>();
      await Promise.all(
        (await readTrials(deps.db, updating)).map(async (trial) => {
          if (before.has(trial.name) || (await runs(deps, trial))) now.add(trial.name);
        }),
      );
      proven.set(updating.id, now);
      return [...now];
    },
    forgetAllBut(ids) {
      for (const id of proven.keys()) if (!ids.has(id)) proven.delete(id);
    },
  };
}

/** What the engine does not tell, is not so. */
async function runs({ runtimeOf, observations, log }: Deps, { key, engine }: Trial): Promise<boolean> {
  try {
    const state = await runtimeOf(engine).inspect(key);
    if (state?.status === 'exited') await recordState(observations, state);
    return state?.status === 'running';
  } catch (error) {
    log.debug({ err: error, deployment: key.deploymentId }, 'an engine did not say whether a replica runs');
    return false;
  }
}
