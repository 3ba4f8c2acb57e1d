/**
 * The levels of effective priority, one after the other, each with those of its deployments that would fit alone into what is
 * left now. What does not fit is never looked at: so a pass over a long queue costs what could start, not what waits.
 */
import type { Candidates, Level } from './choice.ts';
import type { QueuedDeployment } from './model.ts';
import { byAge, effectivePriority } from './order.ts';
import type { Pass } from './pass.ts';
import type { Line } from './queue.ts';
import type { Asker } from './room.ts';
import type { Shape } from './shape.ts';

/** A level whose ranks stand for deployments. */
export interface RankedLevel extends Level {
  readonly effective: number;
  /** By rank: the oldest first. */
  readonly deployments: readonly QueuedDeployment[];
}

/** A line, from the first that was in no level yet. */
interface Cursor {
  readonly line: Line;
  readonly asker: Asker;
  next: number;
  effective: number;
}

/** Levels, the best first. What was placed of one must be in the pass before the next is asked for. */
export function* levelsOf(pass: Pass): Generator<RankedLevel> {
  let cursors: Cursor[] = [];
  for (const line of pass.state.queue.lines) {
    const asker = pass.askerFor(line);
    if (!pass.fitsNow(line.shape, asker)) continue;
    const head = line.members.first() as QueuedDeployment;
    cursors.push({ line, asker, next: 0, effective: effectivePriority(head, pass.policy, pass.now) });
  }
  for (;;) {
    cursors = cursors.filter(({ line, asker }) => pass.fitsNow(line.shape, asker));
    const effective = cursors.reduce((least, cursor) => Math.min(least, cursor.effective), Number.POSITIVE_INFINITY);
    // Whoever was left waiting before it may have others stopped; what that takes is not for this level or those after it.
    if (pass.preemptions.serveBefore(effective)) continue;
    if (cursors.length === 0) return;
    yield levelAt(pass, cursors, effective);
    cursors = cursors.filter(({ line, next }) => next < line.members.size);
  }
}

interface Group {
  readonly shape: Shape;
  readonly asker: Asker;
  readonly most: number;
  readonly deployments: QueuedDeployment[];
}

function levelAt(pass: Pass, cursors: readonly Cursor[], effective: number): RankedLevel {
  const groups = new Map<Shape, Partial<Record<Asker, Group>>>();
  const all: Group[] = [];
  for (const cursor of cursors) {
    if (cursor.effective !== effective) continue;
    const { shape } = cursor.line;
    let byAsker = groups.get(shape);
    if (byAsker === undefined) groups.set(shape, (byAsker = {}));
    let group = byAsker[cursor.asker];
    if (group === undefined) {
      group = { shape, asker: cursor.asker, most: pass.mostOf(shape, cursor.asker), deployments: [] };
      byAsker[cursor.asker] = group;
      all.push(group);
    }
    for (const deployment of takeNext(pass, cursor, group.most)) group.deployments.push(deployment);
  }
  return ranked(
    all.filter(({ deployments }) => deployments.length > 0),
    effective,
  );
}

/** The oldest of a line at its level, as many as could matter; the cursor moves on to the next level. */
function takeNext(pass: Pass, cursor: Cursor, most: number): QueuedDeployment[] {
  const { members } = cursor.line;
  const start = cursor.next;
  const end = members.countWhile((one) => effectivePriority(one, pass.policy, pass.now) <= cursor.effective);
  const taken = members.slice(start, Math.min(end, start + most + pass.settled.size));
  const head = members.slice(end, end + 1)[0];
  cursor.next = end;
  if (head !== undefined) cursor.effective = effectivePriority(head, pass.policy, pass.now);
  return pass.settled.size === 0 ? taken : taken.filter(({ id }) => !pass.settled.has(id)).slice(0, most);
}

/** Gives everybody its rank by age. The order of the candidates is that of their oldest, so that it depends on nothing else. */
function ranked(groups: readonly Group[], effective: number): RankedLevel {
  const groupOf = new Map<QueuedDeployment, number>();
  const oldest = groups.map(({ deployments, most }) => byAge(deployments).slice(0, most));
  oldest.forEach((deployments, number) => {
    for (const deployment of deployments) groupOf.set(deployment, number);
  });
  const deployments = byAge(oldest.flat());
  const numbers = new Map<number, number>();
  const candidates: (Candidates & { readonly members: number[] })[] = [];
  const turns = deployments.map((deployment, rank) => {
    const group = groupOf.get(deployment) ?? 0;
    let number = numbers.get(group);
    if (number === undefined) {
      const { shape, asker } = groups[group] as Group;
      number = candidates.push({ shape, asker, members: [] }) - 1;
      numbers.set(group, number);
    }
    candidates[number]?.members.push(rank);
    return number;
  });
  return { candidates, turns, end: deployments.length, effective, deployments };
}
