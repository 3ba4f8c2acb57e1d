/**
 * Who waits and why, in short: the first of them in order, and how many wait for which reason. Costs about what a pass does, and not the
 * length of the queue: of a line, those of one effective priority wait for the same reason, but for who of them was outdone.
 */
import { waitOf } from './decide.ts';
import type { Decision, QueuedDeployment, Wait, WaitReason } from './model.ts';
import { compareByAge, compareInOrder, effectivePriority } from './order.ts';
import type { Pass } from './pass.ts';
import type { Line } from './queue.ts';
import { Explainer } from './why.ts';

export interface WaitingSummary {
  /** In the order of the scheduler. */
  readonly first: readonly Wait[];
  /** Those that most wait for first. */
  readonly reasons: readonly { readonly reason: WaitReason; readonly count: number }[];
  /** So many were counted: all, or only the first where there is too much to look at. */
  readonly counted: number;
}

/** With more pairs of a line and a node, to find out all reasons would take longer than the pass: then those of the first are counted. */
const mostPairs = 20_000;

/** The state must be as the pass leaves it, with all that it placed. */
export function waitingOf(pass: Pass, limit: number): WaitingSummary {
  const explainer = new Explainer(pass);
  const first = firstWaits(pass, explainer, limit);
  const { queue } = pass.state;
  if (queue.lineCount * pass.room.nodes.length > mostPairs) return summaryOf(first, limit);
  const counts = new Map<WaitReason, number>();
  for (const line of queue.lines) countLine(pass, explainer, line, counts);
  setRight(pass, explainer, counts);
  return { first, ...ranked(counts) };
}

/** The same from decisions that are there already. */
export function summaryOf(decisions: readonly Decision[], limit: number): WaitingSummary {
  const left = decisions.filter((decision) => decision.kind === 'wait');
  const counts = new Map<WaitReason, number>();
  for (const { reason } of left) add(counts, reason, 1);
  return { first: left.slice(0, limit), ...ranked(counts) };
}

function ranked(counts: ReadonlyMap<WaitReason, number>): Omit<WaitingSummary, 'first'> {
  const reasons = [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
  return { reasons, counted: reasons.reduce((sum, { count }) => sum + count, 0) };
}

function add(counts: Map<WaitReason, number>, reason: WaitReason, more: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + more);
}

/** It neither starts nor are others stopped for it now. */
function waits({ placed, preemptions }: Pass, { id }: QueuedDeployment): boolean {
  return !placed.has(id) && !preemptions.made.has(id);
}

/** Those who wait of a line, the oldest first. Looked for in pieces: those who do not wait stand mostly at the beginning. */
function* waitingOfLine(pass: Pass, { members }: Line): Generator<QueuedDeployment> {
  for (let start = 0, length = 1; start < members.size; start += length, length = Math.min(64, length * 2)) {
    for (const member of members.slice(start, start + length)) if (waits(pass, member)) yield member;
  }
}

interface Head {
  readonly next: Generator<QueuedDeployment>;
  deployment: QueuedDeployment;
}

/** Merges the lines. A line whose first is not among the first has nobody there. */
function firstWaits(pass: Pass, explainer: Explainer, limit: number): Wait[] {
  const { policy, now } = pass;
  const inOrder = (a: QueuedDeployment, b: QueuedDeployment) => compareInOrder(a, b, policy, now);
  const heads: Head[] = [];
  for (const line of pass.state.queue.lines) {
    const next = waitingOfLine(pass, line);
    const { value: deployment } = next.next();
    if (deployment !== undefined) heads.push({ next, deployment: deployment as QueuedDeployment });
  }
  const open = heads.toSorted((a, b) => inOrder(a.deployment, b.deployment)).slice(0, limit);
  const others = [...pass.placed.values(), ...pass.preemptions.made.values()]
    .map(({ deployment }) => deployment)
    .toSorted(inOrder);
  const found: Wait[] = [];
  let before = 0;
  while (found.length < limit && open.length > 0) {
    const head = open.reduce((best, one) => (inOrder(one.deployment, best.deployment) < 0 ? one : best));
    const { deployment } = head;
    while (before < others.length && inOrder(others[before] as QueuedDeployment, deployment) < 0) before++;
    found.push(waitOf(pass, explainer, deployment, found.length + before + 1));
    const { value: following } = head.next.next();
    if (following === undefined) open.splice(open.indexOf(head), 1);
    else head.deployment = following as QueuedDeployment;
  }
  return found;
}

/** Counts all of a line, as if none of them were an exception. */
function countLine(
  { policy, now }: Pass,
  explainer: Explainer,
  { members }: Line,
  counts: Map<WaitReason, number>,
): void {
  for (let start = 0; start < members.size; ) {
    const [eldest] = members.slice(start, start + 1) as [QueuedDeployment];
    const level = effectivePriority(eldest, policy, now);
    const { reason } = explainer.usually(eldest);
    const end = members.countWhile((member) => {
      const own = effectivePriority(member, policy, now);
      return (
        own < level ||
        (own === level && (compareByAge(member, eldest) < 0 || explainer.usually(member).reason === reason))
      );
    });
    add(counts, reason, end - start);
    start = end;
  }
}

/** Takes out those who do not wait, and counts those for what they are of whom something special was decided. */
function setRight(pass: Pass, explainer: Explainer, counts: Map<WaitReason, number>): void {
  const { state, placed, settled, preemptions } = pass;
  for (const id of new Set([...placed.keys(), ...settled, ...state.claims.keys(), ...preemptions.made.keys()])) {
    const deployment = state.queue.find(id);
    if (deployment === undefined) continue;
    add(counts, explainer.usually(deployment).reason, -1);
    if (waits(pass, deployment)) add(counts, explainer.why(deployment).reason, 1);
  }
}
