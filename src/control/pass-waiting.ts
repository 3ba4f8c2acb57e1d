/** Who a pass left waiting and why, as it is written down with the pass. */
import { explainWait } from '../core/explain.ts';
import type { Wait } from '../core/model.ts';
import type { Planner } from '../core/planner.ts';
import type { WaitingSummary } from '../core/waiting.ts';
import type { InTransaction } from '../store/database.ts';
import { readNames } from '../store/deployments.ts';
import type { WaitingDetail } from '../store/pass-detail.ts';
import type { Scope } from '../store/scope.ts';

/** Of those that wait, the first so many are written down. */
export const waitingListed = 100;

export async function waitingDetail(
  tx: InTransaction,
  scope: Scope,
  planner: Planner,
  { first, reasons, counted }: WaitingSummary,
): Promise<WaitingDetail> {
  const owners = first.flatMap(({ portTaken }) => (portTaken === undefined ? [] : [portTaken.deploymentId]));
  const names = owners.length === 0 ? new Map<string, string>() : await readNames(tx, scope, owners);
  return { waiting: first.map((wait) => recordOf(wait, planner, names)), reasons, counted };
}

function recordOf(wait: Wait, planner: Planner, names: ReadonlyMap<string, string>): WaitingDetail['waiting'][number] {
  const request = planner.requestOf(wait.deploymentId);
  return {
    deployment_id: wait.deploymentId,
    position: wait.position,
    priority: wait.priority,
    effective_priority: wait.effectivePriority,
    reason: wait.reason,
    message: request === undefined ? '' : explainWait(wait, request, (id) => names.get(id) ?? null),
  };
}
