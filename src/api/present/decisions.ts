import type { z } from 'zod';
import type { PassOutcome } from '../../control/control-plane.ts';
import { explainWait, type NameOf } from '../../core/explain.ts';
import type { Decision as CoreDecision, Place, Placement, Preempt, Wait } from '../../core/model.ts';
import { type ReceiptRecord, receiptRecord } from '../../store/commit-preemptions.ts';
import type { DeploymentRow } from '../../store/deployments.ts';
import type { PassDetailRow } from '../../store/pass-detail.ts';
import type { PassRow } from '../../store/passes.ts';
import { type PlanView, viewOf } from '../plan-view.ts';
import type { Waiting } from '../schemas/deployments.ts';
import type { Decision, Pass, PassDetail, PassResult, PreemptionReceipt, QueueEntry } from '../schemas/scheduling.ts';
import { presentAmounts } from './amounts.ts';

type WaitingAnswer = z.infer<typeof Waiting>;

/** Of those that wait, so many are listed in the answer to a pass. */
const waitsListed = 1000;

/** Of whom the sentences of these decisions speak, beside those who wait. */
export function namedIn(decisions: readonly CoreDecision[]): string[] {
  return decisions.flatMap((one) => (one.kind === 'wait' && one.portTaken ? [one.portTaken.deploymentId] : []));
}

export function presentWaiting(decision: CoreDecision, view: PlanView, nameOf: NameOf): WaitingAnswer {
  switch (decision.kind) {
    case 'wait':
      return presentWait(decision, view, nameOf);
    case 'preempt':
      return presentPreempting(
        decision,
        decision.receipt.victims.map((victim) => victim.deploymentId),
      );
    case 'place':
      return presentDue(decision);
  }
}

function presentWait(wait: Wait, view: PlanView, nameOf: NameOf): WaitingAnswer {
  const { reservation } = wait;
  const claim = view.claimOf(wait.deploymentId);
  if (claim !== undefined) return presentPreempting(wait, claim.victims ?? []);
  return {
    position: wait.position,
    effective_priority: wait.effectivePriority,
    promoted: wait.promoted,
    reason: wait.reason,
    message: explainWait(wait, view.requestOf(wait.deploymentId), nameOf),
    shortfall: presentAmounts(wait.shortfall),
    nearest_node: wait.nearestNode,
    reservation: reservation && {
      nodes: reservation.nodes.map(({ nodeId }) => view.nodeName(nodeId)),
      starts_at: reservation.startsAt === null ? null : new Date(reservation.startsAt).toISOString(),
    },
    waits_for: [],
  };
}

const nothingMissing = { ram: 0, cpu: 0, gpu: 0 };

/** Others are being stopped for it, and its places are kept. */
function presentPreempting(decision: Preempt | Wait, victims: readonly string[]): WaitingAnswer {
  const others = victims.length === 1 ? 'one deployment that is' : `${victims.length} deployments that are`;
  return {
    position: decision.position,
    effective_priority: decision.effectivePriority,
    promoted: decision.promoted,
    reason: 'preempting',
    message: `it starts as soon as ${others} being stopped for it ${victims.length === 1 ? 'has' : 'have'} ended`,
    shortfall: nothingMissing,
    nearest_node: null,
    reservation: null,
    waits_for: [...victims],
  };
}

/** It fits, and only the pass that will start it has not been committed yet. */
function presentDue(place: Place): WaitingAnswer {
  return {
    position: place.position,
    effective_priority: place.effectivePriority,
    promoted: place.promoted,
    reason: 'due',
    message: 'it fits: the next pass starts it',
    shortfall: nothingMissing,
    nearest_node: null,
    reservation: null,
    waits_for: [],
  };
}

/** For one that was submitted after the plan was made. */
export function presentUnplanned(row: Pick<DeploymentRow, 'priority'>, position: number): WaitingAnswer {
  return {
    position,
    effective_priority: row.priority,
    promoted: false,
    reason: 'pending',
    message: 'it waits for its first scheduling pass',
    shortfall: nothingMissing,
    nearest_node: null,
    reservation: null,
    waits_for: [],
  };
}

export function presentQueueEntry(row: DeploymentRow, waiting: WaitingAnswer): z.infer<typeof QueueEntry> {
  return {
    ...waiting,
    deployment_id: row.id,
    name: row.name,
    priority: row.priority,
    ram_required: Number(row.ram_required),
    cpu_required: Number(row.cpu_required),
    gpu_required: Number(row.gpu_required),
    replicas: row.replicas,
    queued_at: row.queued_at.toISOString(),
    submitted_by: row.submitted_by,
  };
}

/** The decisions that the answer to a pass lists: all placements and preemptions, and the first of those that wait. */
export function listedDecisions(outcome: PassOutcome): CoreDecision[] {
  let waits = 0;
  return outcome.plan.decisions.filter((decision) => {
    if (decision.kind !== 'wait') return true;
    waits += 1;
    return waits <= waitsListed;
  });
}

export function presentPassResult(
  outcome: PassOutcome,
  listed: readonly CoreDecision[],
  names: ReadonlyMap<string, string>,
): z.infer<typeof PassResult> {
  const { decisions } = outcome.plan;
  const admitted = decisions.filter((decision) => decision.kind === 'place').length;
  const view = viewOf(outcome);
  return {
    pass_id: outcome.passId,
    dry_run: outcome.dryRun,
    queued: decisions.length,
    admitted,
    promoted: decisions.filter((decision) => decision.promoted).length,
    preempting: decisions.filter((decision) => decision.kind === 'preempt').length,
    waiting: decisions.length - admitted,
    bound: outcome.plan.quality.bound,
    gap: outcome.plan.quality.bound - outcome.plan.quality.admitted,
    proven_optimal: outcome.plan.quality.proven,
    solver: outcome.solver,
    duration_ms: Math.round(outcome.durationMs * 1000) / 1000,
    decisions: listed.map((decision) => presentDecision(decision, names, view)),
  };
}

function presentDecision(
  decision: CoreDecision,
  names: ReadonlyMap<string, string>,
  view: PlanView,
): z.infer<typeof Decision> {
  const { deploymentId, priority } = decision;
  const name = names.get(deploymentId) ?? '';
  const nameOf = (id: string) => names.get(id) ?? null;
  if (decision.kind === 'wait') {
    return { decision: 'wait', deployment_id: deploymentId, name, priority, ...presentWait(decision, view, nameOf) };
  }
  if (decision.kind === 'preempt') {
    return {
      ...presentWaiting(decision, view, nameOf),
      decision: 'preempt',
      deployment_id: deploymentId,
      name,
      priority,
      placements: presentPlacements(decision.placements, view),
      receipt: presentReceipt(receiptRecord(decision.receipt)),
    };
  }
  return {
    decision: 'place',
    deployment_id: deploymentId,
    name,
    position: decision.position,
    priority,
    effective_priority: decision.effectivePriority,
    promoted: decision.promoted,
    backfilled: decision.backfilled,
    placements: presentPlacements(decision.placements, view),
  };
}

export function presentPlacements(placements: readonly Placement[], view: PlanView) {
  return placements.map((placement) => ({
    replica: placement.replica,
    node: view.nodeName(placement.nodeId),
    gpu_devices: placement.devices.map((device) => device.index),
  }));
}

/** As it is stored: the answer's own copy. */
export function presentReceipt(receipt: ReceiptRecord): z.infer<typeof PreemptionReceipt> {
  const { highest_priority, lost_work_s, victims, alternatives } = receipt;
  return {
    highest_priority,
    lost_work_s,
    victims: [...victims],
    alternatives: alternatives.map((one) => ({ ...one, victims: [...one.victims] })),
  };
}

export function presentPass(row: PassRow): z.infer<typeof Pass> {
  return {
    id: row.id,
    cluster_id: row.cluster_id,
    trigger: row.trigger,
    queued: row.queued,
    admitted: row.admitted,
    promoted: row.promoted,
    reservations: row.reservations,
    bound: row.bound,
    gap: row.bound === null ? null : row.bound - row.admitted,
    proven_optimal: row.proven,
    solver: row.solver,
    preemptions: row.preemptions.map((one) => ({ deployment_id: one.deployment_id, ...presentReceipt(one) })),
    duration_ms: row.duration_ms,
    created_at: row.created_at.toISOString(),
  };
}

export function presentPassDetail(row: PassDetailRow, names: ReadonlyMap<string, string>): z.infer<typeof PassDetail> {
  const nameOf = (id: string) => names.get(id) ?? '';
  return {
    ...presentPass(row),
    admissions: row.admissions.map((one) => ({ ...one, name: nameOf(one.deployment_id) })),
    waiting: (row.detail?.waiting ?? []).map((one) => ({ ...one, name: nameOf(one.deployment_id) })),
    waiting_reasons: [...(row.detail?.reasons ?? [])],
    waiting_counted: row.detail?.counted ?? 0,
  };
}
