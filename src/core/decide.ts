/** Turns what a pass has settled into decisions. */
import type { Decision, Place, Preempt, QueuedDeployment, Wait } from './model.ts';
import { compareInOrder, effectivePriority, inOrder } from './order.ts';
import type { OrderedList } from './ordered-list.ts';
import type { Pass, Placed } from './pass.ts';
import type { Preemption } from './preempt.ts';
import { Explainer } from './why.ts';

/** One decision for each queued deployment, in order. Costs about the length of the queue. */
export function decide(pass: Pass): Decision[] {
  const explainer = new Explainer(pass);
  const first = firstWaiting(pass);
  const { deployments } = inOrder(pass.state.queue.deployments, pass.policy, pass.now);
  return deployments.map((deployment, i) => {
    const placed = pass.placed.get(deployment.id);
    const preemption = pass.preemptions.made.get(deployment.id);
    if (preemption !== undefined) return preemptOf(preemption, i + 1);
    return placed === undefined ? waitOf(pass, explainer, deployment, i + 1) : placeOf(pass, placed, first, i + 1);
  });
}

/** The decisions about those who were placed, in order. Costs about their number. */
export function placesOf(pass: Pass): Place[] {
  if (pass.placed.size === 0) return [];
  const first = firstWaiting(pass);
  const { queue } = pass.state;
  return [...pass.placed.values()]
    .toSorted((a, b) => compareInOrder(a.deployment, b.deployment, pass.policy, pass.now))
    .map((placed) => placeOf(pass, placed, first, queue.countBefore(placed.deployment, pass.policy, pass.now) + 1));
}

/** The decisions about those for whom others are stopped, in order. Costs about their number. */
export function preemptsOf(pass: Pass): Preempt[] {
  const { queue } = pass.state;
  return [...pass.preemptions.made.values()]
    .toSorted((a, b) => compareInOrder(a.deployment, b.deployment, pass.policy, pass.now))
    .map((one) => preemptOf(one, queue.countBefore(one.deployment, pass.policy, pass.now) + 1));
}

/** It waits still: age has not brought it anything yet. */
function preemptOf({ deployment, placements, receipt }: Preemption, position: number): Preempt {
  const { id: deploymentId, priority } = deployment;
  return {
    kind: 'preempt',
    deploymentId,
    position,
    priority,
    effectivePriority: priority,
    promoted: false,
    placements,
    receipt,
  };
}

/** The first in order who was not placed; null where everybody was. */
function firstWaiting({ state, placed, policy, now }: Pass): QueuedDeployment | null {
  let first: QueuedDeployment | null = null;
  for (const { members } of state.queue.lines) {
    const waiting = firstOf(members, placed);
    if (waiting !== undefined && (first === null || compareInOrder(waiting, first, policy, now) < 0)) first = waiting;
  }
  return first;
}

/** Those placed of a line stand at its beginning, but for a few: looked at in growing pieces. */
function firstOf(members: OrderedList<QueuedDeployment>, placed: Pass['placed']): QueuedDeployment | undefined {
  const head = members.first();
  if (head === undefined || !placed.has(head.id)) return head;
  for (let start = 1, length = 1; start < members.size; start += length, length *= 2) {
    const found = members.slice(start, start + length).find(({ id }) => !placed.has(id));
    if (found !== undefined) return found;
  }
  return undefined;
}

function placeOf(pass: Pass, placed: Placed, first: QueuedDeployment | null, position: number): Place {
  const { policy, now } = pass;
  const { deployment, shape, spots } = placed;
  const effective = effectivePriority(deployment, policy, now);
  const isSomeoneBefore = first !== null && compareInOrder(first, deployment, policy, now) < 0;
  const isSomeoneHigher = isSomeoneBefore && effectivePriority(first, policy, now) < effective;
  const outOfTurn = isSomeoneBefore && placed.outOfTurn;
  return {
    kind: 'place',
    deploymentId: deployment.id,
    position,
    priority: deployment.priority,
    effectivePriority: effective,
    promoted: effective < deployment.priority,
    placements: spots.map((spot, replica) => pass.room.placement(shape, spot, replica)),
    backfilled: isSomeoneHigher && !outOfTurn,
    outOfTurn,
  };
}

export function waitOf(pass: Pass, explainer: Explainer, deployment: QueuedDeployment, position: number): Wait {
  const why = explainer.why(deployment);
  const effective = effectivePriority(deployment, pass.policy, pass.now);
  // Only who could have been allocated is promoted: age that changes nothing is not shown as if it did.
  const isAllocatable = why.reason === 'pass_full' || why.reason === 'level_chose_larger_set';
  const promoted = isAllocatable && effective < deployment.priority;
  return {
    kind: 'wait',
    deploymentId: deployment.id,
    position,
    priority: deployment.priority,
    effectivePriority: promoted ? effective : deployment.priority,
    promoted,
    reason: why.reason,
    shortfall: why.shortfall,
    nearestNode: why.nearestNode,
    replicasFitting: why.replicasFitting,
    ...(why.portTaken !== undefined && { portTaken: why.portTaken }),
    reservation: pass.hold?.deployment.id === deployment.id ? pass.hold.reservation : null,
  };
}
