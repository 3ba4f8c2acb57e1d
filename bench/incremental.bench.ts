import type { Node, Policy, QueuedDeployment, Request } from '../src/core/model.ts';
import { Planner } from '../src/core/planner.ts';
import type { Bench, BenchContext, Metric } from './support/bench.ts';
import { drawNodes, readNodes, readPods } from './support/openb.ts';
import { pseudoRandom } from './support/random.ts';

const queueLength = 1_000_000;
const nodeCount = 5_000;
const eventCount = 100_000;
const hour = 3_600_000;
/** The queue was submitted over so long. */
const spread = 48 * hour;
const policy: Policy = { agingInterval: hour, reservationAfter: 2 * hour, maxAdmissions: 500 };
const priorities = [10, 30, 50, 70, 90];

/** Parts of a hundred of all events. */
interface Mix {
  readonly completions: number;
  readonly submissions: number;
  readonly cancels: number;
}

interface Scenario {
  readonly mix: Mix;
  readonly oneUser?: boolean;
  readonly timeLimits?: boolean;
}

const mixed: Mix = { completions: 50, submissions: 40, cancels: 5 };
const scenarios: Readonly<Record<string, Scenario>> = {
  mixed: { mix: mixed },
  one_user: { mix: mixed, oneUser: true },
  priority_storm: { mix: { completions: 5, submissions: 4, cancels: 1 } },
  time_limits: { mix: mixed, timeLimits: true },
};

export const bench: Bench = {
  about: `One million queued on a full cluster of 5,000 nodes (both drawn from openb), then 100,000 events, each followed by a pass:
completions 50 %, submissions 40 %, cancels 5 %, changes of priority 5 %. From the event to the decisions, in memory. Also with
one user (one kind of request) owning 90 % of the queue, in a storm of changes of priority (90 % of the events), and with time limits
declared by everybody.`,
  async run(context) {
    const metrics: Record<string, Metric> = {};
    for (const [name, one] of Object.entries(scenarios)) {
      const { p99, worst, heap, admitted } = await scenario(context, name, one);
      context.say(`${name}: p99 ${p99.toFixed(1)} ms, worst ${worst.toFixed(1)} ms, ${admitted} admitted`);
      metrics[`${name}_p99`] = { values: [p99], unit: 'ms', target: { atMost: 5 } };
      metrics[`${name}_worst`] = { values: [worst], unit: 'ms', target: { atMost: 50 } };
      metrics[`${name}_heap`] = { values: [heap], unit: 'MB', target: { atMost: 1500 } };
      metrics[`${name}_admitted`] = { values: [admitted], unit: 'deployments' };
    }
    return metrics;
  },
};

interface Outcome {
  readonly p99: number;
  readonly worst: number;
  readonly heap: number;
  readonly admitted: number;
}

async function scenario(context: BenchContext, name: string, one: Scenario): Promise<Outcome> {
  const random = pseudoRandom(7);
  const nodes = drawNodes(await readNodes(), nodeCount, random);
  const draw = submitter(await requestsOf('default'), one, random);
  const now = 100 * spread;
  const running = new Running(random);
  const planner = full(nodes, draw, running, now);
  context.say(`${name}: ${planner.queued} queued, ${running.size} running`);
  let clock = now;
  const took = new Float64Array(eventCount);
  const queued = planner.snapshot().queue.map(({ id }) => id);
  let admitted = 0;
  let heap = 0;
  for (let i = 0; i < eventCount; i += 1) {
    if (i % 1000 === 0) {
      context.signal.throwIfAborted();
      heap = Math.max(heap, process.memoryUsage().heapUsed);
    }
    clock += 100;
    const event = nextEvent(one.mix, random, { running, queued, draw, clock });
    const startedAt = performance.now();
    event(planner);
    const { places } = planner.pass(clock);
    planner.start(places, clock);
    took[i] = performance.now() - startedAt;
    admitted += places.length;
    for (const { deploymentId } of places) running.add(deploymentId);
  }
  took.sort();
  return { p99: took[eventCount * 0.99] ?? 0, worst: took.at(-1) ?? 0, heap: heap / 1e6, admitted };
}

type Draw = (at: number) => QueuedDeployment;

/** Distinct requests share one object each, as they do where the store reads them by groups. */
async function requestsOf(list: string): Promise<Request[]> {
  const known = new Map<string, Request>();
  const pods = await readPods(list);
  return pods.map(({ request }) => {
    const key = JSON.stringify(request);
    const first = known.get(key) ?? request;
    known.set(key, first);
    return first;
  });
}

/** In milliseconds. */
const timeLimits = [hour / 6, hour, 4 * hour, 12 * hour];

function submitter(
  requests: readonly Request[],
  { oneUser, timeLimits: limited }: Scenario,
  random: () => number,
): Draw {
  let number = 0;
  const theirs = requests.find(({ perReplica }) => perReplica.gpu === 1000) as Request;
  return (at) => {
    const isTheirs = oneUser === true && random() < 0.9;
    const request = isTheirs ? theirs : (requests[Math.floor(random() * requests.length)] as Request);
    const priority = isTheirs ? 50 : (priorities[Math.floor(random() * priorities.length)] ?? 50);
    const timeLimit = limited === true ? (timeLimits[Math.floor(random() * timeLimits.length)] ?? null) : null;
    return { id: `d${number++}`, request, priority, queuedAt: at, timeLimit };
  };
}

/** A cluster on which nothing more of the queue fits, with a million waiting. */
function full(nodes: readonly Node[], draw: Draw, running: Running, now: number): Planner {
  const age = (i: number) => Math.floor(now - spread + (i / queueLength) * spread);
  const queue = Array.from({ length: queueLength + nodeCount * 8 }, (_, i) => draw(age(i)));
  const planner = new Planner({ nodes, queue, holdings: [] }, { ...policy, maxAdmissions: 5_000 });
  for (;;) {
    const { places } = planner.pass(now);
    planner.start(places, now);
    for (const { deploymentId } of places) running.add(deploymentId);
    if (places.length === 0) break;
  }
  planner.policy = policy;
  return planner;
}

/** Whoever runs, to be drawn from at random. */
class Running {
  readonly #ids: string[] = [];
  readonly #random: () => number;
  constructor(random: () => number) {
    this.#random = random;
  }
  get size(): number {
    return this.#ids.length;
  }
  add(id: string): void {
    this.#ids.push(id);
  }
  take(): string {
    return takeRandom(this.#ids, this.#random);
  }
}

function takeRandom(ids: string[], random: () => number): string {
  const at = Math.floor(random() * ids.length);
  const id = ids[at] ?? '';
  ids[at] = ids.at(-1) ?? '';
  ids.pop();
  return id;
}

interface World {
  readonly running: Running;
  readonly queued: string[];
  readonly draw: Draw;
  readonly clock: number;
}

function nextEvent(
  mix: Mix,
  random: () => number,
  { running, queued, draw, clock }: World,
): (planner: Planner) => void {
  const one = random() * 100;
  if (one < mix.completions) {
    const id = running.take();
    return (planner) => planner.release(id);
  }
  if (one < mix.completions + mix.submissions) {
    const deployment = draw(clock);
    queued.push(deployment.id);
    return (planner) => planner.submit(deployment);
  }
  if (one < mix.completions + mix.submissions + mix.cancels) {
    const id = takeRandom(queued, random);
    return (planner) => planner.withdraw(id);
  }
  const id = queued[Math.floor(random() * queued.length)] ?? '';
  const priority = priorities[Math.floor(random() * priorities.length)] ?? 50;
  return (planner) => planner.reprioritize(id, priority);
}
