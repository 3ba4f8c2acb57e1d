import type { z } from 'zod';
import type { CurrentPlan } from '../../control/control-plane.ts';
import { type DeploymentStatus, isFinal } from '../../core/lifecycle.ts';
import type { TimelineRow } from '../../store/timeline.ts';
import { viewOf } from '../plan-view.ts';
import type { Timeline } from '../schemas/timeline.ts';

type TimelineAnswer = z.infer<typeof Timeline>;

export function presentRun(row: TimelineRow): TimelineAnswer['runs'][number] {
  return {
    deployment_id: row.deployment_id,
    name: row.name,
    status: statusOfRun(row),
    attempt: row.attempt,
    replica: row.replica,
    node_id: row.node_id,
    node: row.node,
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
    expected_end_at: row.expected_end_at?.toISOString() ?? null,
  };
}

/** Why runs end that neither went through nor went wrong: somebody wanted their end. */
const wantedEnds = new Set(['stopped', 'called_off', 'updated', 'replaced', 'scaled_down']);

/** How one run stands or ended, in the words for deployments: its deployment may have gone on without it. */
export function statusOfRun({
  status,
  ended_at,
  reason_code,
}: Pick<TimelineRow, 'status' | 'ended_at' | 'reason_code'>): DeploymentStatus {
  if (ended_at === null) return status;
  if (reason_code === 'exit_zero') return 'succeeded';
  if (reason_code !== null && !wantedEnds.has(reason_code)) return 'failed';
  return isFinal(status) ? status : 'cancelled';
}

/** What is kept for those who have waited long, as the plan stands. */
export function presentReservations(
  current: CurrentPlan,
  names: ReadonlyMap<string, string>,
): TimelineAnswer['reservations'] {
  const view = viewOf(current);
  return current.plan.reservations.map(({ deploymentId, nodes, startsAt }) => ({
    deployment_id: deploymentId,
    name: names.get(deploymentId) ?? '',
    nodes: nodes.map(({ nodeId }) => view.nodeName(nodeId)),
    starts_at: startsAt === null ? null : new Date(startsAt).toISOString(),
    position: (view.indexOf(deploymentId) ?? 0) + 1,
  }));
}
