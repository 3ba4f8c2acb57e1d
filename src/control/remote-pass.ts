/** A pass that somebody asks this process for while another one has the cluster: it is asked, and its answer waited for. */
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../store/database.ts';
import {
  addPassRequest,
  answerPassRequest,
  openPassRequests,
  removePassRequest,
  takePassAnswer,
} from '../store/pass-requests.ts';
import type { PassOutcome } from './control-plane.ts';
import { repeat } from './repeat.ts';
import { ClusterGone, HeldElsewhere } from './scheduler.ts';
import type { Signals } from './signals.ts';

/** A pass over a long queue takes seconds; a lease changes hands within five. */
const patienceMs = 30_000;
/** A signal that was lost is made up for. */
const lookMs = 1_000;

/** No process answered: none with the role of a scheduler runs, or it is busy for very long. */
export class NoScheduler extends Error {
  constructor() {
    super(`no scheduler answered within ${patienceMs / 1000} seconds`);
  }
}

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly signals: Pick<Signals, 'tell' | 'onTold'>;
  /** Those whose passes are this process's. */
  readonly clusterIds: () => readonly string[];
  /** Runs one. Throws HeldElsewhere where the cluster has been lost meanwhile. */
  readonly pass: (clusterId: string) => Promise<PassOutcome>;
}

export interface RemotePasses {
  /** Throws ClusterGone, NoScheduler, and in words what went wrong there. */
  ask(clusterId: string): Promise<PassOutcome>;
  close(): Promise<void>;
}

export function startRemotePasses({ db, log, signals, clusterIds, pass }: Deps): RemotePasses {
  const waiting = new Map<string, () => void>();

  async function answer(id: string, clusterId: string): Promise<void> {
    try {
      const outcome = await pass(clusterId);
      await answerPassRequest(db, id, { answer: JSON.stringify(outcome), error: null });
    } catch (error) {
      // Whoever has it now finds the request as well.
      if (error instanceof HeldElsewhere || error instanceof ClusterGone) return;
      log.error({ err: error, cluster: clusterId }, 'a pass that another process asked for failed');
      await answerPassRequest(db, id, { answer: null, error: 'the pass failed; the log of its scheduler says why' });
    }
    signals.tell({ kind: 'answered', requestId: id });
  }

  const looking = repeat(lookMs, log, 'the look for passes that were asked for', async () => {
    for (const wake of waiting.values()) wake();
    const open = await openPassRequests(db, clusterIds());
    await Promise.all(open.map(({ id, clusterId }) => answer(id, clusterId)));
  });

  signals.onTold((signal) => {
    if (signal.kind === 'pass' && clusterIds().includes(signal.clusterId)) looking.now();
    if (signal.kind === 'answered') waiting.get(signal.requestId)?.();
  });

  /** Resolves when the answer may be there. */
  function untilTold(id: string): Promise<void> {
    return new Promise((resolve) => waiting.set(id, resolve));
  }

  return {
    async ask(clusterId) {
      const id = uuidv7();
      const askedAt = performance.now();
      try {
        let told = untilTold(id);
        await addPassRequest(db, { id, clusterId });
        signals.tell({ kind: 'pass', clusterId });
        while (performance.now() - askedAt < patienceMs) {
          await told;
          told = untilTold(id);
          const answered = await takePassAnswer(db, id);
          if (answered === undefined) throw new ClusterGone(clusterId);
          if (answered?.answer != null) return JSON.parse(answered.answer) as PassOutcome;
          if (answered !== null) throw new Error(answered.error ?? 'the pass failed');
        }
        await removePassRequest(db, id);
        throw new NoScheduler();
      } finally {
        waiting.delete(id);
      }
    },
    close: () => looking.stop(),
  };
}
