import type { Logger } from 'pino';
import type { Task } from '../queue/task-queue.ts';
import { removeStaleClaims } from '../store/claims.ts';
import type { Database } from '../store/database.ts';
import { moveFromDrained, noteDrained } from '../store/drain.ts';
import { removeExpired } from '../store/expired.ts';
import { turnMaintenance } from '../store/maintenance.ts';
import { startDueRuns } from '../store/next-runs.ts';
import { type ChangePosition, changesEnd, removeChangesBefore } from '../store/planner-changes.ts';
import { removeExpiredDeployments } from '../store/retention.ts';
import { removeDeletedClusters, stopOverdue } from '../store/transitions.ts';
import { readStuck, readUncleaned } from '../store/work.ts';
import { memoryMsMax } from './memory.ts';
import { repeat } from './repeat.ts';

const sweepMs = 1_000;
/** A deployment that has been on its way for longer than this gets its task again: the first one may be lost. */
const stuckAfterSeconds = 3;
const uncleanedAfterSeconds = 10;
const expiryMs = 60_000;
const retentionMs = 5_000;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly send: (tasks: readonly Task[]) => void;
  /** Nodes of the cluster were opened: what waits may fit there. */
  readonly onRoom: (clusterId: string) => void;
}

/** The net below everything: what should have happened and has not is asked for again. */
export function startSweeper(deps: Deps): { now(): void; close(): Promise<void> } {
  let closed = false;
  const sweep = repeat(sweepMs, deps.log, 'the sweep', async () => {
    const overdue = await stopOverdue(deps.db);
    for (const clusterId of await turnMaintenance(deps.db)) deps.onRoom(clusterId);
    const leaving = await moveFromDrained(deps.db);
    await noteDrained(deps.db);
    const due = await startDueRuns(deps.db);
    const stuck = await readStuck(deps.db, stuckAfterSeconds);
    const uncleaned = await readUncleaned(deps.db, uncleanedAfterSeconds);
    await removeDeletedClusters(deps.db);
    await removeStaleClaims(deps.db);
    deps.send([
      ...[...overdue, ...leaving].map(({ id, attempt }): Task => ({ kind: 'stop', deploymentId: id, attempt })),
      ...due.map(({ id, attempt }): Task => ({ kind: 'start', deploymentId: id, attempt })),
      ...stuck.map(({ id, attempt, task }): Task => ({ kind: task, deploymentId: id, attempt })),
      ...uncleaned.map(({ id, attempt }): Task => ({ kind: 'clean', deploymentId: id, attempt })),
    ]);
  });
  const retention = repeat(retentionMs, deps.log, 'the removal of what was kept for long enough', async () => {
    while ((await removeExpiredDeployments(deps.db)).more && !closed);
  });
  const expiry = repeat(expiryMs, deps.log, 'the removal of what has expired', () => removeExpired(deps.db));
  let heardBefore: ChangePosition | null = null;
  // What was committed before the last time has been there for twice as long as any memory goes without listening.
  const changes = repeat(2 * memoryMsMax, deps.log, 'the removal of changes that everybody has heard of', async () => {
    const position = await changesEnd(deps.db);
    if (heardBefore !== null) await removeChangesBefore(deps.db, heardBefore);
    heardBefore = position;
  });
  return {
    now: () => sweep.now(),
    async close() {
      closed = true;
      await sweep.stop();
      await retention.stop();
      await expiry.stop();
      await changes.stop();
    },
  };
}
