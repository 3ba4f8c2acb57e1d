import type { Logger } from 'pino';
import { type ClusterUse, sampleSeconds, takeSamples } from '../store/cluster-history.ts';
import type { Database } from '../store/database.ts';
import { repeat } from './repeat.ts';

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  /** What the containers of clusters use, as they were seen last. */
  readonly use: () => readonly ClusterUse[];
}

/** Writes down regularly how every cluster stands. Samples that are missed are missing; nothing depends on them. */
export function startSampler({ db, log, use }: Deps): { close(): Promise<void> } {
  const turns = repeat(sampleSeconds * 1000, log, 'the sampling of clusters', () => takeSamples(db, use()));
  return { close: () => turns.stop() };
}
