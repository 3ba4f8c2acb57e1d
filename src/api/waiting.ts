/** Why deployments wait, from the plan as it stands. The plan is up to a second old: who came after it is handled here. */
import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { NameOf } from '../core/explain.ts';
import type { Decision } from '../core/model.ts';
import type { Database } from '../store/database.ts';
import type { DependencyRow } from '../store/dependencies.ts';
import {
  type DeploymentRow,
  type QueueFilter,
  readDeployments,
  readNames,
  readQueuedIds,
  readQueuedSince,
} from '../store/deployments.ts';
import type { Scope } from '../store/scope.ts';
import { type PlanView, viewOf } from './plan-view.ts';
import { namedIn, presentQueueEntry, presentUnplanned, presentWaiting } from './present/decisions.ts';
import { presentHeld } from './present/dependencies.ts';
import type { DeploymentDetail } from './schemas/deployments.ts';
import type { QueueEntry } from './schemas/scheduling.ts';

type Entry = z.infer<typeof QueueEntry>;

export async function whyItWaits(
  db: Database,
  control: ControlPlane,
  scope: Scope,
  row: DeploymentRow,
  dependencies: readonly DependencyRow[],
): Promise<z.infer<typeof DeploymentDetail>['waiting']> {
  if (row.held) return presentHeld(row, dependencies);
  const view = viewOf(await control.currentPlan(row.cluster_id));
  const decision = view.decisions[view.indexOf(row.id) ?? -1];
  if (decision === undefined) return presentUnplanned(row, view.decisions.length + 1);
  return presentWaiting(decision, view, await namesFor(db, scope, [decision]));
}

/** Names of those who stand in the way, as far as they are of the same organization. */
async function namesFor(db: Database, scope: Scope, decisions: readonly Decision[]): Promise<NameOf> {
  const ids = namedIn(decisions);
  const names = ids.length === 0 ? new Map<string, string>() : await readNames(db, scope, ids);
  return (id) => names.get(id) ?? null;
}

/** Where a page of the queue begins: after this deployment; or where it has left the queue, after its position. */
interface QueueKey {
  readonly position: number;
  readonly id: string;
}

interface QueueRequest {
  readonly clusterId: string;
  readonly filter: QueueFilter;
  readonly limit: number;
  readonly after: QueueKey | undefined;
}

/** At most `limit` entries in the order of the scheduler, those first that the plan knows, then who came after it. */
export async function readQueue(
  db: Database,
  control: ControlPlane,
  scope: Scope,
  { clusterId, filter, limit, after }: QueueRequest,
): Promise<Entry[]> {
  const view = viewOf(await control.currentPlan(clusterId));
  const isAll = filter.name === undefined && filter.submittedBy === undefined;
  const asked = isAll ? null : await readQueuedIds(db, scope, clusterId, filter);
  const planned = view.decisions.slice(after === undefined ? 0 : startAfter(view, after));
  const decisions = asked === null ? planned : planned.filter(({ deploymentId }) => asked.has(deploymentId));
  const entries: Entry[] = [];
  let next = 0;
  // Some of a page may have left the queue since the plan was made: then it is filled up with those behind them.
  while (entries.length < limit && next < decisions.length) {
    const end = next + limit - entries.length;
    entries.push(...(await plannedEntries(db, scope, view, decisions.slice(next, end))));
    next = end;
  }
  if (entries.length === limit) return entries;
  const unplanned = await unplannedEntries(db, scope, view, clusterId, after);
  const others = asked === null ? unplanned : unplanned.filter((entry) => asked.has(entry.deployment_id));
  return [...entries, ...others.slice(0, limit - entries.length)];
}

function startAfter(view: PlanView, { id, position }: QueueKey): number {
  const index = view.indexOf(id);
  return index === undefined ? position : index + 1;
}

async function plannedEntries(
  db: Database,
  scope: Scope,
  view: PlanView,
  decisions: readonly Decision[],
): Promise<Entry[]> {
  const ids = decisions.map(({ deploymentId }) => deploymentId);
  const rows = await readDeployments(db, scope, ids);
  const nameOf = await namesFor(db, scope, decisions);
  return decisions.flatMap((decision) => {
    const row = rows.get(decision.deploymentId);
    return row?.status === 'queued' && !row.held
      ? [presentQueueEntry(row, presentWaiting(decision, view, nameOf))]
      : [];
  });
}

/** As many as can come in the second that a plan is kept, and be of interest. */
const unplannedMax = 2000;

async function unplannedEntries(
  db: Database,
  scope: Scope,
  view: PlanView,
  clusterId: string,
  after: QueueKey | undefined,
): Promise<Entry[]> {
  // The plan knows times rounded to milliseconds.
  const rows = await readQueuedSince(db, scope, clusterId, view.newestQueuedAt - 1, unplannedMax);
  return rows
    .filter(({ id }) => !view.isPlanned(id))
    .map((row, index) => presentQueueEntry(row, presentUnplanned(row, view.decisions.length + index + 1)))
    .filter(({ position }) => after === undefined || position > after.position);
}
