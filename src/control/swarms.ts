/** Keeps what is known of a swarm's nodes as its manager has it. */
import type { Logger } from 'pino';
import { RuntimeError } from '../runtimes/runtime.ts';
import type { SwarmManager } from '../runtimes/swarm/manager.ts';
import type { Database } from '../store/database.ts';
import type { StoredEngine } from '../store/engines.ts';
import { setReachability } from '../store/reachability.ts';
import { followNodes, type SwarmChanges } from '../store/swarms.ts';
import { repeat } from './repeat.ts';

/** How often the manager is asked. What it ended on a drained node is heard of at once, and looked at then (`now`). */
const lookMs = 2_000;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly swarm: Pick<StoredEngine, 'id' | 'organizationId'>;
  readonly manager: SwarmManager;
  readonly onChanged: (changes: SwarmChanges) => void;
}

export interface SwarmFollower {
  /** Looks, and resolves once what was found is written down, or could not be. */
  now(): Promise<void>;
  close(): Promise<void>;
}

/** One look. Throws what the manager says. */
export async function lookAtSwarm({ db, swarm, manager, onChanged }: Omit<Deps, 'log'>): Promise<void> {
  const changes = await followNodes(db, swarm, await manager.nodes());
  if (changes.engines || changes.clusterId !== null) onChanged(changes);
}

export function followSwarm(deps: Deps): SwarmFollower {
  const { db, log, swarm } = deps;
  const key = { runtime: 'swarm', engineId: swarm.id } as const;
  let complaint: string | null = null;

  async function look(): Promise<void> {
    try {
      await lookAtSwarm(deps);
      await setReachability(db, key, true, null);
      complaint = null;
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      const { message } = error;
      // Once for each outage.
      if (message !== complaint) log.warn({ swarm: swarm.id, err: { message } }, 'a swarm could not be looked at');
      complaint = message;
      await setReachability(db, key, false, message);
    }
  }

  /** Two at once would make a node twice. */
  let last: Promise<void> = Promise.resolve();
  function inTurn(): Promise<void> {
    const mine = last.then(look);
    last = mine.catch(() => undefined);
    return mine;
  }

  const turns = repeat(lookMs, log, 'following a swarm', inTurn);
  turns.now();
  return {
    now: inTurn,
    async close() {
      await turns.stop();
      await last;
    },
  };
}
