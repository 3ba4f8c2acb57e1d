/** Turns what a pass has settled into decisions: one for each queued deployment, in order. */
import type { Decision, Node, QueuedDeployment } from './model.ts';
import type { Pass } from './pass.ts';
import type { Spots } from './place.ts';
import type { Shape } from './shape.ts';
import { explainer, type Why } from './why.ts';

export function decide(pass: Pass, nodes: readonly Node[]): Decision[] {
  const { deployments } = pass.queue;
  const why = explainer(pass, nodes);
  const firstWaiting = deployments.findIndex((_, position) => pass.placed[position] === undefined);
  return deployments.map((deployment, position) => {
    const spots = pass.placed[position];
    return spots === undefined
      ? wait(pass, deployment, position, why(position))
      : place(pass, deployment, position, spots, firstWaiting);
  });
}

function place(
  pass: Pass,
  deployment: QueuedDeployment,
  position: number,
  spots: Spots,
  firstWaiting: number,
): Decision {
  const shape = pass.queue.shapes[position] as Shape;
  const effective = pass.queue.effective[position] ?? deployment.priority;
  const isSomeoneBefore = firstWaiting !== -1 && firstWaiting < position;
  const isSomeoneHigher = isSomeoneBefore && (pass.queue.effective[firstWaiting] ?? effective) < effective;
  const outOfTurn = isSomeoneBefore && pass.outOfTurn.has(position);
  return {
    kind: 'place',
    deploymentId: deployment.id,
    position: position + 1,
    priority: deployment.priority,
    effectivePriority: effective,
    promoted: effective < deployment.priority,
    placements: spots.map((spot, replica) => pass.room.placement(shape, spot, replica)),
    backfilled: isSomeoneHigher && !outOfTurn,
    outOfTurn,
  };
}

function wait(pass: Pass, deployment: QueuedDeployment, position: number, why: Why): Decision {
  const effective = pass.queue.effective[position] ?? deployment.priority;
  // Only who could have been allocated is promoted: age that changes nothing is not shown as if it did.
  const isAllocatable = why.reason === 'pass_full' || why.reason === 'level_chose_larger_set';
  const promoted = isAllocatable && effective < deployment.priority;
  return {
    kind: 'wait',
    deploymentId: deployment.id,
    position: position + 1,
    priority: deployment.priority,
    effectivePriority: promoted ? effective : deployment.priority,
    promoted,
    reason: why.reason,
    shortfall: why.shortfall,
    nearestNode: why.nearestNode,
    replicasFitting: why.replicasFitting,
    reservation: pass.hold?.position === position ? pass.hold.reservation : null,
  };
}
