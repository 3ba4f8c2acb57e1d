/**
 * The other way to choose inside a level: not the largest set of this moment, but those first who have waited longest for what
 * they take: (waited + expected run) / (expected run x part of the cluster). Short and small ones go first, and nobody is put off for
 * ever, since the ratio of who waits grows. This is the highest response ratio (Brinch Hansen, "Short-term scheduling in
 * multiprogramming systems", SOSP 1971), by area.
 */
import { type Admission, boundOf } from './admit.ts';
import type { Candidates } from './choice.ts';
import type { RankedLevel } from './level.ts';
import type { QueuedDeployment } from './model.ts';
import { waited } from './order.ts';
import type { Pass } from './pass.ts';
import { placeOne } from './place.ts';
import type { Shape } from './shape.ts';
import { largestPartOf } from './size.ts';

/** Nothing is taken for shorter than this, in milliseconds: what ends at once would have a ratio without end. */
const shortestRun = 10_000;

/** Everybody in the order of their ratio, whoever fits. Takes their room. `members` are by rank, as they were placed. */
export function admitShortest(pass: Pass, level: RankedLevel): Admission & { readonly ranks: readonly number[][] } {
  const bound = Math.min(pass.left, boundOf(level, pass.room.free()));
  const numbers = numbersOf(level);
  const ratios = level.deployments.map((deployment, rank) => {
    return ratioOf(pass, deployment, (level.candidates[numbers[rank] ?? 0] as Candidates).shape);
  });
  const order = [...ratios.keys()].toSorted((a, b) => (ratios[b] ?? 0) - (ratios[a] ?? 0) || a - b);
  const choice = level.candidates.map((): ReturnType<typeof placeOne>[] => []);
  const ranks = level.candidates.map((): number[] => []);
  let { left } = pass;
  for (const rank of order) {
    if (left === 0) break;
    const number = numbers[rank] ?? 0;
    const { shape, asker } = level.candidates[number] as Candidates;
    const spots = placeOne(pass.room, shape, asker);
    if (spots === null) continue;
    choice[number]?.push(spots);
    ranks[number]?.push(rank);
    left--;
  }
  return { choice: choice.map((chosen) => chosen.filter((spots) => spots !== null)), ranks, bound };
}

/** By rank: the number of its candidates. */
function numbersOf({ candidates }: RankedLevel): number[] {
  const numbers: number[] = [];
  candidates.forEach(({ members }, number) => {
    for (const rank of members) numbers[rank] = number;
  });
  return numbers;
}

function ratioOf({ state, now }: Pass, deployment: QueuedDeployment, shape: Shape): number {
  const run = Math.max(shortestRun, state.runs.expected(deployment));
  if (run === Number.POSITIVE_INFINITY) return 0;
  return (waited(deployment, now) + run) / (run * Math.max(1e-9, largestPartOf(shape, state.empty.free())));
}
