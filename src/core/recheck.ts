/**
 * After others were moved: is the choice of each level still the best, where those of better levels stand now? What exact search
 * says of a level before anybody was moved may not hold any more.
 */
import { admitLargest } from './admit.ts';
import { type Choice, sizeOf } from './choice.ts';
import type { QueuedDeployment } from './model.ts';
import { compareByAge } from './order.ts';
import type { Budget } from './pack.ts';
import { release } from './place.ts';
import type { Room } from './room.ts';
import type { RankedKinds, SelectedLevel, Selection } from './selection.ts';

/** Chooses anew for the first level where that is better: true where there was one. At most `left` more may be admitted in all. */
export function recheck(room: Room, selection: Selection, left: number, search: Budget): boolean {
  const { levels } = selection;
  return (
    levels.some((_, l) => chooseMore(room, selection, l, left, search)) ||
    levels.some((level) => chooseOlder(room, selection, level, search))
  );
}

/** More of a level, with nobody of a worse one in the way; those are chosen anew then. */
function chooseMore(room: Room, selection: Selection, l: number, left: number, search: Budget): boolean {
  const { levels, counts } = selection;
  const level = levels[l] as SelectedLevel;
  if (level.kinds.every(({ waiting }) => waiting.length === 0)) return false;
  const saved = selection.save();
  selection.lift(levels.slice(l));
  let most = counts.slice(l).reduce((sum, count) => sum + count, left);
  const chosen = chooseLevel(room, selection, level, most, search, (choice) => sizeOf(choice) > (counts[l] ?? 0));
  if (!chosen) {
    selection.restore(saved);
    return false;
  }
  for (const [i, worse] of levels.slice(l + 1).entries()) {
    most -= selection.counts[l + i] ?? 0;
    chooseLevel(room, selection, worse, most, search, () => true);
  }
  return true;
}

/** Of a level as many, but older ones, with everybody else where they stand. */
function chooseOlder(room: Room, selection: Selection, level: SelectedLevel, search: Budget): boolean {
  const before = level.kinds
    .flatMap(({ admitted }) => admitted.map(({ deployment }) => deployment))
    .toSorted(compareByAge);
  if (before.length === 0 || level.kinds.every(({ waiting }) => waiting.length === 0)) return false;
  const saved = selection.save();
  selection.lift([level]);
  const chosen = chooseLevel(room, selection, level, before.length, search, (choice, ranked) => {
    return sizeOf(choice) === before.length && isOlder(deploymentsOf(choice, ranked), before);
  });
  if (!chosen) selection.restore(saved);
  return chosen;
}

/** Chooses for a level of which nobody stands anywhere, if what comes of it will do. */
function chooseLevel(
  room: Room,
  selection: Selection,
  level: SelectedLevel,
  most: number,
  search: Budget,
  willDo: (choice: Choice, ranked: RankedKinds) => boolean,
): boolean {
  const ranked = selection.candidatesOf(level, room);
  const { choice } = admitLargest(room, ranked.level, most, search);
  if (willDo(choice, ranked)) {
    selection.choose(level, ranked, choice);
    return true;
  }
  release(room, ranked.level.candidates, choice);
  return false;
}

/** The oldest first. */
function deploymentsOf(choice: Choice, { deployments, level }: RankedKinds): QueuedDeployment[] {
  const ranks = choice.flatMap((chosen, i) => level.candidates[i]?.members.slice(0, chosen.length) ?? []);
  return ranks.toSorted((a, b) => a - b).map((rank) => deployments[rank] as QueuedDeployment);
}

/** Older at the first place where they differ. */
function isOlder(a: readonly QueuedDeployment[], b: readonly QueuedDeployment[]): boolean {
  const differs = a.findIndex((deployment, i) => deployment !== b[i]);
  return differs !== -1 && compareByAge(a[differs] as QueuedDeployment, b[differs] as QueuedDeployment) < 0;
}
