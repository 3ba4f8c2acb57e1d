/**
 * The levels of effective priority, one after the other, each with those of its deployments that would fit alone into what is
 * left now. What does not fit is never looked at: so a pass over a long queue costs what could start, not what waits.
 */
import type { Asked } from './bound.ts';
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
  /** Those who would have fitted alone at the start of the pass, but do not any more, if they are to be named. */
  readonly crowded: readonly Group[];
  /** How many of each shape there are in all, of those who would have fitted at the start. */
  readonly asked: readonly Asked[];
}

/** A line, from the first that was in no level yet. */
interface Cursor {
  readonly line: Line;
  readonly asker: Asker;
  /** More than this could not have been admitted, had nobody been before it. */
  readonly most: number;
  next: number;
  effective: number;
}

/** How to look at those who would have fitted at the start of the pass, but do not any more. */
interface Looks {
  /** Where somebody who does not fit may still be made room for. */
  readonly isCrowdedNamed: boolean;
  /** Else they are given up, with all who wait behind them: called before the level from which on nobody looks at them. */
  readonly giveUp: (asked: readonly Asked[]) => void;
}

/** Levels, the best first. What was placed of one must be in the pass before the next is asked for. */
export function* levelsOf(pass: Pass, { isCrowdedNamed, giveUp }: Looks): Generator<RankedLevel> {
  let cursors: Cursor[] = [];
  for (const line of pass.state.queue.lines) {
    const asker = pass.askerFor(line);
    if (!pass.fitsNow(line.shape, asker)) continue;
    const head = line.members.first() as QueuedDeployment;
    const most = isCrowdedNamed ? pass.mostOf(line.shape, asker) : Number.POSITIVE_INFINITY;
    cursors.push({ line, asker, most, next: 0, effective: effectivePriority(head, pass.policy, pass.now) });
  }
  for (;;) {
    if (!isCrowdedNamed) cursors = withoutCrowded(pass, cursors, giveUp);
    const effective = cursors.reduce((least, cursor) => Math.min(least, cursor.effective), Number.POSITIVE_INFINITY);
    // Whoever was left waiting before it may have others stopped; what that takes is not for this level or those after it.
    if (pass.preemptions.serveBefore(effective)) continue;
    if (cursors.length === 0) return;
    yield levelAt(pass, cursors, effective, isCrowdedNamed);
    cursors = cursors.filter(({ line, next }) => next < line.members.size);
  }
}

function withoutCrowded(pass: Pass, cursors: Cursor[], giveUp: Looks['giveUp']): Cursor[] {
  const left = cursors.filter(({ line, asker }) => pass.fitsNow(line.shape, asker));
  if (left.length === cursors.length) return left;
  const still = new Set(left);
  const crowded = cursors.filter((cursor) => !still.has(cursor));
  giveUp(crowded.map(({ line: { shape, members }, next }) => ({ shape, count: members.size - next })));
  return left;
}

/** The deployments of one shape and asker in a level. */
interface Group {
  readonly shape: Shape;
  readonly asker: Asker;
  /** More than this are not named. */
  readonly most: number;
  readonly isCrowded: boolean;
  readonly deployments: QueuedDeployment[];
  /** Named or not. */
  count: number;
}

function levelAt(pass: Pass, cursors: readonly Cursor[], effective: number, isCrowdedNamed: boolean): RankedLevel {
  const groups = new Map<Shape, Partial<Record<Asker, Group>>>();
  const all: Group[] = [];
  for (const cursor of cursors) {
    if (cursor.effective !== effective) continue;
    const { shape } = cursor.line;
    let byAsker = groups.get(shape);
    if (byAsker === undefined) groups.set(shape, (byAsker = {}));
    let group = byAsker[cursor.asker];
    if (group === undefined) {
      group = groupFor(pass, cursor, isCrowdedNamed);
      byAsker[cursor.asker] = group;
      all.push(group);
    }
    takeNext(pass, cursor, group);
  }
  const asked = all.map(({ shape, count, most }) => ({ shape, count: isCrowdedNamed ? Math.min(count, most) : count }));
  const there = all.filter(({ deployments }) => deployments.length > 0);
  const fitting = there.filter(({ isCrowded }) => !isCrowded);
  return { ...ranked(fitting), effective, crowded: there.filter(({ isCrowded }) => isCrowded), asked };
}

function groupFor(pass: Pass, { line: { shape }, asker, most }: Cursor, isCrowdedNamed: boolean): Group {
  const isCrowded = !pass.fitsNow(shape, asker);
  const named = isCrowded ? 0 : pass.mostOf(shape, asker);
  return { shape, asker, most: isCrowdedNamed ? most : named, isCrowded, deployments: [], count: 0 };
}

/** The oldest of a line at its level, as many as could matter; the cursor moves on to the next level. */
function takeNext(pass: Pass, cursor: Cursor, group: Group): void {
  const { members } = cursor.line;
  const start = cursor.next;
  const end = members.countWhile((one) => effectivePriority(one, pass.policy, pass.now) <= cursor.effective);
  const { most } = group;
  const slice = most === 0 ? [] : members.slice(start, Math.min(end, start + most + pass.settled.size));
  const taken = pass.settled.size === 0 ? slice : slice.filter(({ id }) => !pass.settled.has(id)).slice(0, most);
  for (const deployment of taken) group.deployments.push(deployment);
  group.count += taken.length < most ? taken.length : end - start;
  const head = members.slice(end, end + 1)[0];
  cursor.next = end;
  if (head !== undefined) cursor.effective = effectivePriority(head, pass.policy, pass.now);
}

/** Gives everybody its rank by age. The order of the candidates is that of their oldest, so that it depends on nothing else. */
function ranked(groups: readonly Group[]): Level & Pick<RankedLevel, 'deployments'> {
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
  return { candidates, turns, deployments };
}
