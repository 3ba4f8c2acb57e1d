import type { Highs } from 'highs';
import type { Node, Policy, QueuedDeployment, Snapshot } from '../src/core/model.ts';
import { plan } from '../src/core/plan.ts';
import { admissionProgram } from '../src/solver/admission-program.ts';
import { maximizeInTurn } from '../src/solver/lexicographic.ts';
import { loadHighs } from '../src/solver/load.ts';
import type { Bench, BenchContext, Metric } from './support/bench.ts';
import { admittedBy, demandOf, inversions } from './support/demand.ts';
import { drawNodes, drawPods, gpuOf, type Pod, readNodes, readPods } from './support/openb.ts';
import { pseudoRandom } from './support/random.ts';

const list = 'gpuspec33';
const sizes = [4, 8];
const seeds = Array.from({ length: 20 }, (_, i) => 1 + i);
const demand = 1.5;
const priorities = [1, 2, 3, 4, 5];
/** Each instance is planned so often, for its time. */
const repeats = 5;
/** Other instances, planned before anything is timed: in a process that has run for a while, the code of a pass is compiled. */
const warmUpSeeds = Array.from({ length: 20 }, (_, i) => 1001 + i);
/** For each level; it takes a fraction of one. */
const seconds = 60;
const policy: Policy = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 1_000_000 };

export const bench: Bench = {
  about: `One pass over a few nodes, drawn from openb's GPU nodes, for which pods drawn from gpuspec33 and of ${priorities.length} priorities ask
for ${demand * 100} % of the GPU: how many are admitted, against the exact optimum by HiGHS (as many as can be of the first priority, then of
the second with that, and so on, whatever stands where). FIFO best fit reaches 87 %, smallest first 95 %. Passes over
${warmUpSeeds.length} other instances of each size come before those that are timed.`,
  async run(context) {
    const highs = await loadHighs();
    const nodes = await readNodes();
    const metrics: Record<string, Metric> = {};
    const pods = await readPods(list);
    for (const seed of warmUpSeeds) for (const size of sizes) plan(instance(nodes, pods, size, seed), policy, 0);
    for (const size of sizes) {
      const outcomes = seeds.map((seed) => measure(highs, context, instance(nodes, pods, size, seed)));
      Object.assign(metrics, metricsOf(`nodes_${size}`, outcomes));
      const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
      const ratio = (100 * sum((one) => one.admitted)) / sum((one) => one.optimum);
      context.say(`${size} nodes: ${ratio.toFixed(2)} % of the optimum over all seeds`);
    }
    return metrics;
  },
};

function instance(all: readonly Node[], pods: readonly Pod[], size: number, seed: number): Snapshot {
  const random = pseudoRandom(seed);
  const nodes = drawNodes(all, size, random);
  const queue = drawPods(pods, demand * gpuOf(nodes), random).map(({ request }, i): QueuedDeployment => {
    const priority = priorities[Math.floor(random() * priorities.length)] ?? 1;
    return { id: `p${String(i).padStart(5, '0')}`, request, priority, queuedAt: i, timeLimit: null };
  });
  return { nodes, queue, holdings: [] };
}

interface Outcome {
  readonly admitted: number;
  readonly optimum: number;
  /** Of the first level that differs from the optimum, how many are missing; 0 where none does. */
  readonly missing: number;
  readonly isProven: boolean;
  readonly inversions: number;
  /** Milliseconds, of each pass: by the clock, and of processor time, which others on the machine lengthen less. */
  readonly times: readonly number[];
  readonly cpuTimes: readonly number[];
}

function measure(highs: Highs, context: BenchContext, snapshot: Snapshot): Outcome {
  context.signal.throwIfAborted();
  const copies = snapshot.nodes.map((node) => ({ node, copies: 1 }));
  const { program, admitted } = admissionProgram(copies, demandOf(snapshot.queue, priorities));
  const levels = admitted.map((columns) => columns.filter((column) => column !== -1));
  const optimum = maximizeInTurn(highs, program, levels, seconds);
  if (optimum === null) throw new Error('HiGHS found no solution in time');
  const times: number[] = [];
  const cpuTimes: number[] = [];
  let result = plan(snapshot, policy, 0);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [startedAt, usedBefore] = [performance.now(), process.cpuUsage()];
    result = plan(snapshot, policy, 0);
    times.push(performance.now() - startedAt);
    const used = process.cpuUsage(usedBefore);
    cpuTimes.push((used.user + used.system) / 1000);
  }
  const ours = admittedBy(result, priorities);
  const best = optimum.levels.map((level) => level.admitted);
  const differs = best.findIndex((count, i) => count !== ours[i]);
  return {
    admitted: result.quality.admitted,
    optimum: best.reduce((sum, count) => sum + count, 0),
    missing: (best[differs] ?? 0) - (ours[differs] ?? 0),
    isProven: result.quality.proven,
    inversions: inversions(result, snapshot),
    times,
    cpuTimes,
  };
}

function metricsOf(name: string, outcomes: readonly Outcome[]): Record<string, Metric> {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  const share = (of: (outcome: Outcome) => boolean) => (100 * outcomes.filter(of).length) / outcomes.length;
  const times = outcomes.flatMap((one) => one.times);
  const cpuTimes = outcomes.flatMap((one) => one.cpuTimes);
  return {
    [`${name}_ratio`]: {
      values: [(100 * sum((one) => one.admitted)) / sum((one) => one.optimum)],
      unit: '%',
      target: { atLeast: 99 },
    },
    [`${name}_ratio_by_seed`]: { values: outcomes.map((one) => (100 * one.admitted) / one.optimum), unit: '%' },
    [`${name}_equal_in_all_levels`]: { values: [share(({ missing }) => missing === 0)], unit: '%' },
    [`${name}_proven`]: { values: [share(({ isProven }) => isProven)], unit: '%' },
    [`${name}_inversions`]: { values: [sum((one) => one.inversions)], unit: '', target: { atMost: 0 } },
    [`${name}_pass`]: { values: times, unit: 'ms', target: { atMost: 50 } },
    [`${name}_pass_p99`]: { values: [p99(times)], unit: 'ms', target: { atMost: 50 } },
    [`${name}_pass_cpu`]: { values: cpuTimes, unit: 'ms' },
    [`${name}_pass_cpu_p99`]: { values: [p99(cpuTimes)], unit: 'ms' },
  };
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? 0;
}
