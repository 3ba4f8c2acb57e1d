/**
 * The other way to choose inside a level: not the largest set of this moment, but those first who have waited longest for how
 * long they are expected to run: waited^2 / expected run. Short ones go first, and nobody is put off for ever: the ratio of who waits
 * grows with the square of the wait, so that who is expected to run four times as long is passed only by those who have waited
 * half as long at least, and never by who has just come. The plain ratio (waited + expected run) / expected run (highest response
 * ratio: Brinch Hansen, "Short-term scheduling in multiprogramming systems", SOSP 1971) lets newcomers pass for longer, and with
 * that the worst wait grows; to raise the wait to a power is from Tang et al., "Fault-aware, utility-based job scheduling on Blue
 * Gene/P systems", CLUSTER 2009, who take the third, of the wait by the declared limit.
 *
 * How much of the cluster they take counts for nothing: the large wait longest as it is, since they have to be fitted in.
 */
import { type Admission, boundOf } from './admit.ts';
import type { Candidates } from './choice.ts';
import type { RankedLevel } from './level.ts';
import type { QueuedDeployment } from './model.ts';
import { waited } from './order.ts';
import type { Pass } from './pass.ts';
import { placeOne } from './place.ts';

/** Nothing is taken for shorter than this, in milliseconds: what ends at once would have a ratio without end. */
const shortestRun = 10_000;

/** Everybody in the order of their ratio, whoever fits. Takes their room. `members` are by rank, as they were placed. */
export function admitShortest(pass: Pass, level: RankedLevel): Admission & { readonly ranks: readonly number[][] } {
  const bound = Math.min(pass.left, boundOf(level, pass.room.free()));
  const numbers = numbersOf(level);
  const ratios = level.deployments.map((deployment) => ratioOf(pass, deployment));
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

function ratioOf({ state, now }: Pass, deployment: QueuedDeployment): number {
  return waited(deployment, now) ** 2 / Math.max(shortestRun, state.runs.expected(deployment));
}
