import type { Highs } from 'highs';
import type { Node, Policy, QueuedDeployment, Snapshot } from '../src/core/model.ts';
import { plan } from '../src/core/plan.ts';
import { admissionProgram } from '../src/solver/admission-program.ts';
import { maximizeInTurn } from '../src/solver/lexicographic.ts';
import { loadHighs } from '../src/solver/load.ts';
import type { Bench, Metric } from './support/bench.ts';
import { demandOf, nodeClasses } from './support/demand.ts';
import { drawPods, gpuOf, type Pod, podLists, readNodes, readPods } from './support/openb.ts';
import { pseudoRandom, shuffled } from './support/random.ts';

const seeds = [42, 43, 44];
const demand = 1.3;
const priority = 50;
const policy: Policy = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 1_000_000 };

export const bench: Bench = {
  about: `All pods of a list, and as many more drawn from it as it takes to ask for ${demand * 100} % of the GPU of openb's 1,213 GPU nodes,
queued at once at one priority: how many one pass admits, against an upper bound by HiGHS (a linear program over classes of equal
nodes, with every way to share a device). A good greedy reaches 92 %.`,
  async run(context) {
    const highs = await loadHighs();
    const nodes = await readNodes();
    const metrics: Record<string, Metric> = {};
    for (const list of await podLists()) {
      const pods = await readPods(list);
      const ratios: number[] = [];
      const times: number[] = [];
      for (const seed of seeds) {
        context.signal.throwIfAborted();
        const snapshot = { nodes, queue: queueOf(pods, nodes, seed), holdings: [] };
        const startedAt = performance.now();
        const { admitted } = plan(snapshot, policy, 0).quality;
        times.push(performance.now() - startedAt);
        const bound = boundOf(highs, snapshot);
        ratios.push((100 * admitted) / bound);
        context.say(`${list}, seed ${seed}: ${admitted} of ${snapshot.queue.length} admitted, bound ${bound}`);
      }
      metrics[`${list}_admitted`] = { values: ratios, unit: '% of the bound', target: { atLeast: 97 } };
      metrics[`${list}_pass`] = { values: times, unit: 'ms' };
    }
    return metrics;
  },
};

/** Shuffled, then drawn with replacement: as in the protocol of FGD (packing.bench.ts). */
function queueOf(pods: readonly Pod[], nodes: readonly Node[], seed: number): QueuedDeployment[] {
  const random = pseudoRandom(seed);
  const all = shuffled(pods, random);
  const asked = all.reduce((sum, pod) => sum + pod.request.perReplica.gpu, 0);
  return [...all, ...drawPods(pods, demand * gpuOf(nodes) - asked, random)].map(({ request }, i) => {
    return { id: `p${String(i).padStart(5, '0')}`, request, priority, queuedAt: i, timeLimit: null };
  });
}

function boundOf(highs: Highs, { nodes, queue }: Snapshot): number {
  const { program, admitted } = admissionProgram(nodeClasses(nodes), demandOf(queue, [priority]), 'continuous');
  const optimum = maximizeInTurn(highs, program, admitted, 600);
  if (optimum === null) throw new Error('HiGHS did not finish in time');
  return optimum.levels[0]?.bound ?? 0;
}
