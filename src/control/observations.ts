import type { Observation } from '../core/progress.ts';
import type { Database } from '../store/database.ts';
import { type Progress, recordObservations } from '../store/observations.ts';
import { batched } from './batched.ts';

/** Null where the deployment is gone or no longer active: what was seen came too late to count. */
export type Recorded = Progress | null;

/** The one way in for what runtimes saw. */
export interface Observations {
  record(observation: Observation): Promise<Recorded>;
}

/** How many observations one transaction takes at the most. */
const batchMax = 200;

/**
 * Observations are written one batch after the other, and what is seen while one is under way makes up the next: a thousand
 * containers that end in one second cost a handful of commits, and one connection. `onProgress` is called after each commit.
 */
export function createObservations(db: Database, onProgress: (progress: readonly Progress[]) => void): Observations {
  const record = batched<Observation, Recorded>(
    async (observations) => {
      const progress = await recordObservations(db, observations);
      onProgress(progress);
      const byId = new Map(progress.map((one) => [one.deploymentId, one]));
      return observations.map((observation) => byId.get(observation.deploymentId) ?? null);
    },
    { max: batchMax, oneAtATime: true },
  );
  return { record };
}
