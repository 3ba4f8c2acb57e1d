/**
 * What the scheduler remembers of a cluster from pass to pass, so that a pass costs what has changed and not what waits: the
 * planner with its state, and up to where it has heard of changes. The truth is in the database: a memory that is lost, too old
 * or in doubt is read anew, and a wrong one could delay somebody and not over-allocate anything, since constraints have the last word.
 */
import type { Holding } from '../core/model.ts';
import { Planner } from '../core/planner.ts';
import { readClaims } from '../store/claims.ts';
import type { InTransaction } from '../store/database.ts';
import { readForeignPorts } from '../store/host-ports.ts';
import { type ChangePosition, changesEnd, readChanges } from '../store/planner-changes.ts';
import { readRuns } from '../store/runs.ts';
import { type ClusterHead, readDeploymentStates, readState, usersOf } from '../store/snapshot.ts';

/** A memory that has not listened for so long is read anew: changes are kept for at least twice as long (sweeper.ts). */
export const memoryMsMax = 30_000;

/**
 * And so is every one after so long, whatever it has heard: nothing that was missed stays missed. Where reading it takes long, later: it
 * may take a thousandth of the time.
 */
const trustedMs = 300_000;
const trustedPerReading = 1000;

/** With so many changes, and more than wait, reading everything costs no more. */
const manyChanges = 20_000;

export interface Memory {
  readonly planner: Planner;
  readonly nodeNames: ReadonlyMap<string, string>;
  readonly usable: boolean;
  /** When it was read as a whole, and when it last heard of changes; `performance.now()`. */
  readonly readAt: number;
  readonly readingTookMs: number;
  readonly heardAt: number;
  readonly position: ChangePosition;
  /** Those who wait, or did since it was read: only where it is learned how long their deployments run. */
  readonly users: ReadonlySet<string>;
  /** They have a time limit and no start is known: when they must have ended is later with every moment. */
  readonly unsettled: ReadonlySet<string>;
  /** Of the lease that it was read under; none where the process is alone. */
  readonly fence?: string | undefined;
}

/**
 * Brings a memory up to date, or reads one, in the transaction that holds the lock of the cluster. What was given must not be used any
 * more, whatever comes of the transaction: it is changed in place, and who fails half-way drops it.
 */
export async function recall(
  tx: InTransaction,
  head: ClusterHead,
  policy: Planner['policy'],
  memory: Memory | null,
): Promise<Memory> {
  const recalled = memory === null ? null : await catchUp(tx, head, memory);
  const current = recalled ?? (await readAnew(tx, head, policy));
  current.planner.policy = policy;
  return current;
}

async function readAnew(tx: InTransaction, head: ClusterHead, policy: Planner['policy']): Promise<Memory> {
  const startedAt = performance.now();
  // First the position, then the state: what is committed in between is seen twice.
  const position = await changesEnd(tx);
  const snapshot = await readState(tx, head, { lock: true });
  const at = performance.now();
  return {
    planner: new Planner(snapshot, policy),
    nodeNames: new Map(snapshot.nodes.map(({ id, name }) => [id, name])),
    usable: head.usable,
    readAt: at,
    readingTookMs: at - startedAt,
    heardAt: at,
    position,
    users: usersOf(snapshot.queue),
    unsettled: new Set(snapshot.holdings.filter(isUnsettled).map(({ deploymentId }) => deploymentId)),
  };
}

/** Null where it is to be read anew. */
async function catchUp(tx: InTransaction, head: ClusterHead, memory: Memory): Promise<Memory | null> {
  const now = performance.now();
  if (memory.usable !== head.usable || memory.planner.policy.backfill !== head.policy.backfill) return null;
  if (now - memory.heardAt > memoryMsMax) return null;
  if (now - memory.readAt > Math.max(trustedMs, trustedPerReading * memory.readingTookMs)) return null;
  const { position, deploymentIds, nodes } = await readChanges(tx, head.clusterId, memory.position);
  const { planner } = memory;
  if (nodes || deploymentIds.length > Math.max(manyChanges, planner.queued)) return null;
  const unsettled = new Set<string>();
  const users = new Set(memory.users);
  const states = await readDeploymentStates(tx, head, [...new Set([...deploymentIds, ...memory.unsettled])]);
  for (const [id, state] of states) {
    planner.reconcile(id, state);
    if (state.holdings.some(isUnsettled)) unsettled.add(id);
    if (state.queued?.user !== undefined) users.add(state.queued.user);
  }
  planner.setClaims(await readClaims(tx, head.clusterId));
  // Of what happens in other clusters nothing is noted here; and only who waits for a port asks.
  if (planner.wantsPorts) planner.setForeignPorts(await readForeignPorts(tx, head.clusterId, { lock: true }));
  if (head.policy.backfill === 'learned') planner.setRuns(await readRuns(tx, head.clusterId, users));
  return { ...memory, position, users, unsettled, heardAt: now };
}

function isUnsettled({ endsBy, startedAt }: Holding): boolean {
  return endsBy !== null && startedAt === undefined;
}
