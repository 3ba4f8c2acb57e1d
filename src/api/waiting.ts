/** Why deployments wait, from the plan as it stands. The plan is up to a second old: who came after it is handled here. */
import type { z } from 'zod';
import type { ControlPlane, CurrentPlan } from '../control/control-plane.ts';
import type { Database } from '../store/database.ts';
import { type DeploymentRow, readDeployments, readQueuedSince } from '../store/deployments.ts';
import type { Scope } from '../store/scope.ts';
import { nodeNames, presentQueueEntry, presentUnplanned, presentWaiting } from './present/decisions.ts';
import type { Waiting } from './schemas/deployments.ts';
import type { QueueEntry } from './schemas/scheduling.ts';

type Entry = z.infer<typeof QueueEntry>;

export async function whyItWaits(control: ControlPlane, row: DeploymentRow): Promise<z.infer<typeof Waiting>> {
  const { plan, snapshot } = await control.currentPlan(row.cluster_id);
  const decision = plan.decisions.find(({ deploymentId }) => deploymentId === row.id);
  return decision === undefined
    ? presentUnplanned(row, plan.decisions.length + 1)
    : presentWaiting(decision, nodeNames(snapshot));
}

/** Where a page of the queue begins: after this deployment; or where it has left the queue, after its position. */
export interface QueueKey {
  readonly position: number;
  readonly id: string;
}

interface QueueRequest {
  readonly clusterId: string;
  readonly limit: number;
  readonly after: QueueKey | undefined;
}

/** At most `limit` entries in the order of the scheduler, those first that the plan knows, then who came after it. */
export async function readQueue(
  db: Database,
  control: ControlPlane,
  scope: Scope,
  { clusterId, limit, after }: QueueRequest,
): Promise<Entry[]> {
  const current = await control.currentPlan(clusterId);
  const entries: Entry[] = [];
  let next = startOf(current, after);
  // Some of a page may have left the queue since the plan was made: then it is filled up with those behind them.
  while (entries.length < limit && next < current.plan.decisions.length) {
    const end = next + limit - entries.length;
    entries.push(...(await plannedEntries(db, scope, current, next, end)));
    next = end;
  }
  if (entries.length === limit) return entries;
  const unplanned = await unplannedEntries(db, scope, clusterId, current, after);
  return [...entries, ...unplanned.slice(0, limit - entries.length)];
}

function startOf({ plan }: CurrentPlan, after: QueueKey | undefined): number {
  if (after === undefined) return 0;
  const index = plan.decisions.findIndex(({ deploymentId }) => deploymentId === after.id);
  return index === -1 ? after.position : index + 1;
}

async function plannedEntries(
  db: Database,
  scope: Scope,
  { plan, snapshot }: CurrentPlan,
  start: number,
  end: number,
): Promise<Entry[]> {
  const decisions = plan.decisions.slice(start, end);
  const rows = await readDeployments(
    db,
    scope,
    decisions.map(({ deploymentId }) => deploymentId),
  );
  const nodes = nodeNames(snapshot);
  return decisions.flatMap((decision) => {
    const row = rows.get(decision.deploymentId);
    return row?.status === 'queued' ? [presentQueueEntry(row, presentWaiting(decision, nodes))] : [];
  });
}

/** As many as can come in the second that a plan is kept, and be of interest. */
const unplannedMax = 2000;

async function unplannedEntries(
  db: Database,
  scope: Scope,
  clusterId: string,
  { plan, snapshot }: CurrentPlan,
  after: QueueKey | undefined,
): Promise<Entry[]> {
  const planned = new Set(plan.decisions.map(({ deploymentId }) => deploymentId));
  const newest = snapshot.queue.reduce((latest, { queuedAt }) => Math.max(latest, queuedAt), 0);
  // The plan knows times rounded to milliseconds.
  const rows = await readQueuedSince(db, scope, clusterId, newest - 1, unplannedMax);
  return rows
    .filter(({ id }) => !planned.has(id))
    .map((row, index) => presentQueueEntry(row, presentUnplanned(row, plan.decisions.length + index + 1)))
    .filter(({ position }) => after === undefined || position > after.position);
}
