import type { z } from 'zod';
import type { Decision } from '../../core/model.ts';
import { receiptRecord } from '../../store/commit-preemptions.ts';
import type { PlanView } from '../plan-view.ts';
import type { PlanResult } from '../schemas/apply.ts';
import { presentPlacements, presentReceipt, presentWaiting } from './decisions.ts';

type Standing = NonNullable<z.infer<typeof PlanResult>['deployments'][number]['standing']>;

/** Who would be stopped for it. */
export function victimsOf(decision: Decision): string[] {
  return decision.kind === 'preempt' ? decision.receipt.victims.map((victim) => victim.deploymentId) : [];
}

/** How the next pass would decide. `names` are those of whom it would stop, and of who stands in its way. */
export function presentStanding(decision: Decision, view: PlanView, names: ReadonlyMap<string, string>): Standing {
  const waiting = presentWaiting(decision, view, (id) => names.get(id) ?? null);
  const placements = decision.kind === 'wait' ? [] : presentPlacements(decision.placements, view);
  const stops = victimsOf(decision).map((id) => ({ deployment_id: id, name: names.get(id) ?? '' }));
  return {
    decision: decision.kind,
    starts_now: decision.kind === 'place',
    position: waiting.position,
    effective_priority: waiting.effective_priority,
    message: messageOf(decision, placements, stops) ?? waiting.message,
    placements,
    reason: decision.kind === 'wait' ? waiting.reason : null,
    shortfall: waiting.shortfall,
    nearest_node: waiting.nearest_node,
    reservation: waiting.reservation,
    receipt: decision.kind === 'preempt' ? presentReceipt(receiptRecord(decision.receipt)) : null,
    stops,
  };
}

/** Null where it waits: that is said elsewhere already. */
function messageOf(decision: Decision, placements: Standing['placements'], stops: Standing['stops']): string | null {
  const nodes = [...new Set(placements.map(({ node }) => node))].join(', ');
  switch (decision.kind) {
    case 'place':
      return `it starts now on ${nodes}${decision.backfilled ? ', using what higher ones cannot use' : ''}`;
    case 'preempt':
      return `${stops.map(({ name }) => name).join(', ')} would be stopped for it, and then it starts on ${nodes}`;
    case 'wait':
      return null;
  }
}
