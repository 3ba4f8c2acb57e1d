/** A snapshot as it would be if some had been submitted, and others withdrawn or told to stop. */
import type { QueuedDeployment, Snapshot } from './model.ts';

export interface Candidate extends Omit<QueuedDeployment, 'queuedAt'> {
  /** Null: now. */
  readonly queuedAt: number | null;
}

export interface Submitted {
  /** One that is queued under the same id already gives way to it. */
  readonly candidates: readonly Candidate[];
  /** Withdrawn where they are queued, told to stop where they run. */
  readonly leaving: ReadonlySet<string>;
}

export function withSubmitted(snapshot: Snapshot, { candidates, leaving }: Submitted, now: number): Snapshot {
  const candidateIds = new Set(candidates.map(({ id }) => id));
  const staying = snapshot.queue.filter(({ id }) => !leaving.has(id) && !candidateIds.has(id));
  return {
    ...snapshot,
    queue: [...staying, ...candidates.map((one) => ({ ...one, queuedAt: one.queuedAt ?? now }))],
    holdings: snapshot.holdings.map((holding) =>
      leaving.has(holding.deploymentId) ? { ...holding, isStopping: true } : holding,
    ),
    ...(snapshot.claims !== undefined && {
      claims: snapshot.claims.filter(({ deploymentId }) => !leaving.has(deploymentId)),
    }),
  };
}
