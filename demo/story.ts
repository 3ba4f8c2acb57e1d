/**
 * What happens in the demo: everything is submitted, and each further step waits for what it needs to have happened. Nothing
 * depends on how long something takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type Deployment, type Problem, Refused } from './client.ts';
import { hasEnded, type Observer, type Sight } from './observe.ts';
import type { Part } from './script.ts';

/** 5 times a second: what a person can follow. */
const lookEveryMs = 200;
/** Nobody waits longer than this for a demo: it hangs then. */
const patienceMs = 180_000;

/** How it went. */
export interface Outcome {
  readonly sight: Sight;
  /** What was refused, by name. */
  readonly refused: ReadonlyMap<string, Problem>;
  /** Sights in which the books of the cluster did not balance; in words. */
  readonly imbalances: readonly string[];
}

interface Stage {
  readonly client: Client;
  readonly clusterId: string;
  readonly observer: Observer;
  readonly signal: AbortSignal;
  /** Called with each sight. */
  readonly show: (sight: Sight) => void;
}

export async function playStory(stage: Stage, parts: readonly Part[]): Promise<Outcome> {
  const story = new Story(stage, parts);
  await story.open();
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const sight = await stage.observer.look();
    stage.show(sight);
    story.check(sight);
    if (story.isOver(sight)) return { sight, refused: story.refused, imbalances: story.imbalances };
    await story.step(sight);
    if (Date.now() > deadline) throw new Error(`after ${patienceMs / 1000} s there are still some that have not ended`);
    await sleep(lookEveryMs, undefined, { signal: stage.signal });
  }
}

class Story {
  readonly refused = new Map<string, Problem>();
  readonly imbalances: string[] = [];
  readonly #submitted = new Set<string>();
  readonly #stopped = new Set<string>();

  constructor(
    private readonly stage: Stage,
    private readonly parts: readonly Part[],
  ) {}

  /** Submits all that need not wait, in one request, and the one that is to be refused in another. */
  async open(): Promise<void> {
    const { client } = this.stage;
    const alone = this.parts.filter((part) => part.directions.submit_alone);
    const together = this.parts.filter(
      (part) => !part.directions.submit_alone && part.directions.submit_when_outranked_by === undefined,
    );
    await client.post('/deployments/batch', { deployments: together.map((part) => this.#bodyOf(part)) });
    for (const part of together) this.#submitted.add(part.name);
    for (const part of alone) await this.#submit(part);
  }

  /** Does what the time has come for. */
  async step(sight: Sight): Promise<void> {
    for (const part of this.parts) {
      const { submit_when_outranked_by: rival, stop_when: stopWhen } = part.directions;
      if (rival !== undefined && !this.#submitted.has(part.name) && outranks(sight, rival, part.priority)) {
        await this.#submit(part);
      }
      const due =
        stopWhen?.ended.every((name) => hasEnded(sight.deployments.get(name))) === true &&
        stopWhen.submitted.every((name) => this.#submitted.has(name));
      if (due) await this.#stop(part.name, sight.deployments.get(part.name));
    }
  }

  isOver(sight: Sight): boolean {
    return this.parts.every((part) => this.refused.has(part.name) || hasEnded(sight.deployments.get(part.name)));
  }

  /** total = allocated + available, and never more than there is. */
  check({ cluster }: Sight): void {
    for (const dimension of ['ram', 'cpu', 'gpu'] as const) {
      const total = cluster.resources.total[dimension];
      const allocated = cluster.resources.allocated[dimension];
      const available = cluster.resources.available[dimension];
      const sum = Math.round((allocated + available) * 1000) / 1000;
      if (sum !== total || available < 0) {
        this.imbalances.push(`${dimension}: ${allocated} allocated and ${available} available of ${total}`);
      }
    }
  }

  async #submit(part: Part): Promise<void> {
    this.#submitted.add(part.name);
    try {
      await this.stage.client.post('/deployments', this.#bodyOf(part));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.refused.set(part.name, error.problem);
    }
  }

  async #stop(name: string, deployment: Deployment | undefined): Promise<void> {
    if (deployment?.status !== 'running' || this.#stopped.has(name)) return;
    this.#stopped.add(name);
    await this.stage.client.post(`/deployments/${deployment.id}/stop`);
  }

  #bodyOf(part: Part): Record<string, unknown> {
    return { ...part.request, cluster_id: this.stage.clusterId };
  }
}

/** Has age made the waiting `rival` the better one? Computed as the scheduler does: one step for each whole interval waited. */
function outranks(sight: Sight, rival: string, priority: number): boolean {
  const entry = sight.queue.find((one) => one.name === rival);
  if (entry === undefined) return false;
  const interval = sight.cluster.policy.aging_interval_s * 1000;
  const earned = Math.floor((Date.now() - Date.parse(entry.queued_at)) / interval);
  return entry.priority - earned < priority;
}
