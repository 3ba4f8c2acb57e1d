import type { Logger } from 'pino';
import type { Task } from '../queue/task-queue.ts';
import type { Database } from '../store/database.ts';
import { closeInTurn, type Loop } from './duties.ts';
import type { Engines } from './engines.ts';
import { startHealth } from './health.ts';
import type { Observations } from './observations.ts';
import { startSampler } from './sampler.ts';
import { startUpdates } from './updates.ts';
import type { UsageWatch } from './usage.ts';

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly engines: Pick<Engines, 'observe' | 'runtimeOf'>;
  readonly observations: Observations;
  readonly usage: Pick<UsageWatch, 'start' | 'useOfClusters'>;
  readonly send: (tasks: readonly Task[]) => void;
  readonly wake: (clusterId: string) => void;
  readonly onEvents: () => void;
}

/** Looks after engines, and what runs there: what has ended, how well it is, what it uses, whether it is to be replaced. */
export function watchOverEngines({ db, log, engines, observations, usage, send, wake, onEvents }: Deps): Loop {
  const { runtimeOf } = engines;
  const observing = engines.observe();
  const health = startHealth({ db, log, runtimeOf, observations, onEvents });
  const updates = startUpdates({
    db,
    log,
    runtimeOf,
    observations,
    send,
    onChanged(clusterId) {
      onEvents();
      wake(clusterId);
    },
  });
  const looking = usage.start();
  const sampler = startSampler({ db, log, use: () => usage.useOfClusters() });
  return { close: () => closeInTurn([updates, health, sampler, looking, observing]) };
}
