import type { Node, Policy, QueuedDeployment } from '../src/core/model.ts';
import { Planner } from '../src/core/planner.ts';
import type { Bench, Metric } from './support/bench.ts';
import { type Pod, podLists, readNodes, readPods } from './support/openb.ts';
import { pseudoRandom, shuffled } from './support/random.ts';

/** Seeds as published. */
const seeds = Array.from({ length: 10 }, (_, i) => 42 + i);
const demand = 1.3;
const policy: Policy = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 500 };

/** FGD's published figures, in % (Weng et al., "Beware of Fragmentation", USENIX ATC 2023), and what is aimed at. */
const published: Readonly<Record<string, { readonly fgd: number; readonly aim: number }>> = {
  default: { fgd: 95.39, aim: 96.5 },
  gpuspec33: { fgd: 94.55, aim: 96 },
  multigpu50: { fgd: 97.18, aim: 98 },
  cpu250: { fgd: 93.41, aim: 95.5 },
};

export const bench: Bench = {
  about: `How much of the GPU capacity of openb's 1,213 GPU nodes is allocated when pods drawn from a list come one by one until 130 %
has been asked for; one that fits nowhere is dropped, nothing departs (the protocol of FGD, USENIX ATC 2023: 95.39, 94.55, 97.18
and 93.41 %). One value for each of ten seeds; node names as given, and shuffled, to see what is luck.`,
  async run(context) {
    const metrics: Record<string, Metric> = {};
    const nodes = await readNodes();
    for (const list of await podLists()) {
      const pods = (await readPods(list)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      for (const naming of ['as_given', 'shuffled'] as const) {
        const values: number[] = [];
        for (const seed of seeds) {
          context.signal.throwIfAborted();
          const named = naming === 'as_given' ? nodes : renamed(nodes, seed);
          values.push(allocatedShare(named, arrivals(pods, nodes, seed)));
        }
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        context.say(`${list}, names ${naming}: mean ${mean.toFixed(2)} %`);
        const aim = published[list]?.aim;
        metrics[`${list}_${naming}`] = { values, unit: '%', ...(aim !== undefined && { target: { atLeast: aim } }) };
      }
    }
    return metrics;
  },
};

/** Shuffled, then drawn with replacement, up to the demand and not beyond. */
function arrivals(pods: readonly Pod[], nodes: readonly Node[], seed: number): Pod[] {
  const random = pseudoRandom(seed);
  const most = demand * capacityOf(nodes);
  const all = shuffled(pods, random);
  let asked = all.reduce((sum, pod) => sum + pod.request.perReplica.gpu, 0);
  for (;;) {
    const pod = pods[Math.floor(random() * pods.length)] as Pod;
    asked += pod.request.perReplica.gpu;
    if (asked > most) return all;
    all.push(pod);
  }
}

function capacityOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + node.total.gpu, 0);
}

/** The same nodes under each other's names. */
function renamed(nodes: readonly Node[], seed: number): Node[] {
  const names = shuffled(
    nodes.map(({ id }) => id),
    pseudoRandom(1000 + seed),
  );
  return nodes.map((node, i) => ({ ...node, id: names[i] ?? '', name: names[i] ?? '' }));
}

/** In %. Each arrival is a pass of the production planner. */
function allocatedShare(nodes: readonly Node[], pods: readonly Pod[]): number {
  const planner = new Planner({ nodes, queue: [], holdings: [] }, policy);
  let allocated = 0;
  pods.forEach(({ request }, i) => {
    const deployment: QueuedDeployment = { id: `p${i}`, request, priority: 50, queuedAt: i, timeLimit: null };
    planner.submit(deployment);
    const { places } = planner.pass(i);
    planner.start(places, i);
    if (places.length === 0) planner.withdraw(deployment.id);
    else allocated += request.perReplica.gpu;
  });
  return (100 * allocated) / capacityOf(nodes);
}
