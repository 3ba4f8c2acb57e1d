/** Preemption inside of whole passes, one after the other, while time goes on. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node, Policy, QueuedDeployment, Request } from './model.ts';
import { Planner } from './planner.ts';
import { fits } from './resources.ts';
import { amounts, node } from './testing.ts';

const minute = 60_000;

const nodes = fc
  .array(fc.record({ ram: fc.integer({ min: 4, max: 8 }), gpu: fc.integer({ min: 0, max: 2 }) }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((all) => all.map(({ ram, gpu }, i) => node(`n${i}`, ram, 8, gpu)));

const policies = fc.record({
  agingInterval: fc.constantFrom(0, 10 * minute),
  reservationAfter: fc.constantFrom(20 * minute, 10_000 * minute),
  maxAdmissions: fc.constantFrom(2, 500),
  preemption: fc.record({ minRunTime: fc.constantFrom(0, minute, 5 * minute) }),
});

const jobs = fc.array(
  fc.record({
    arrives: fc.integer({ min: 0, max: 40 }),
    minutes: fc.integer({ min: 1, max: 12 }),
    /** How long it takes to end when it is told to. */
    grace: fc.integer({ min: 0, max: 3 }),
    priority: fc.integer({ min: 1, max: 5 }),
    ram: fc.integer({ min: 1, max: 4 }),
    gpu: fc.constantFrom(0, 0, 0.5, 1),
    replicas: fc.constantFrom(1, 1, 2),
  }),
  { minLength: 1, maxLength: 15, size: 'max' },
);
type Job = typeof jobs extends fc.Arbitrary<(infer One)[]> ? One : never;

/** A cluster by the minute: what is told to stop ends after its grace, and waits again from the time of its submission. */
class World {
  readonly planner: Planner;
  readonly jobs: readonly Job[];
  readonly empty: readonly Node[];
  readonly runs = new Map<string, { endsAt: number; isStopping: boolean }>();
  readonly done = new Set<string>();
  now = 0;
  preemptions = 0;

  constructor(empty: readonly Node[], policy: Policy, all: readonly Job[]) {
    this.empty = empty;
    this.jobs = all;
    this.planner = new Planner({ nodes: empty, queue: [], holdings: [] }, policy);
  }

  get isOver(): boolean {
    return this.done.size === this.jobs.length;
  }

  minute(): void {
    this.jobs.forEach((job, i) => {
      if (job.arrives === this.now) this.planner.submit(this.#queued(`j${i}`, job));
    });
    for (const [id, { endsAt, isStopping }] of this.runs) {
      if (endsAt > this.now) continue;
      this.runs.delete(id);
      this.planner.release(id);
      if (isStopping) this.planner.submit(this.#queued(id, this.#job(id)));
      else this.done.add(id);
    }
    const { places, preempts } = this.planner.pass(this.now * minute);
    this.planner.start(places, this.now * minute);
    this.planner.preempt(preempts);
    for (const { deploymentId } of places) {
      this.runs.set(deploymentId, { endsAt: this.now + this.#job(deploymentId).minutes, isStopping: false });
    }
    for (const { receipt } of preempts) for (const { deploymentId } of receipt.victims) this.#stop(deploymentId);
    this.preemptions += preempts.length;
    this.#check();
    this.now += 1;
  }

  #job(id: string): Job {
    return this.jobs[Number(id.slice(1))] as Job;
  }

  #queued(id: string, job: Job): QueuedDeployment {
    const request: Request = { perReplica: amounts(job.ram, 1, job.gpu), replicas: job.replicas, gpuModels: [] };
    return { id, request, priority: job.priority, queuedAt: job.arrives * minute, timeLimit: null };
  }

  #stop(id: string): void {
    const run = this.runs.get(id)!;
    expect(run.isStopping).toBe(false);
    this.runs.set(id, { endsAt: this.now + this.#job(id).grace, isStopping: true });
  }

  /** No node holds more than it has; and with what is stopping gone, all claims fit beside what goes on. */
  #check(): void {
    const { holdings, claims = [] } = this.planner.snapshot();
    const stays = holdings.filter(({ isStopping }) => isStopping !== true);
    for (const of of [holdings, [...stays, ...claims.flatMap(({ placements }) => placements)]]) {
      for (const one of this.empty) {
        const there = of.filter(({ nodeId }) => nodeId === one.id).map((held) => ({ replica: 0, ...held }));
        expect(fits(one, there)).toBe(true);
      }
    }
  }
}

test('all that fits ends some time, whoever is stopped for whom; and never does a node hold more than it has', () => {
  let preemptions = 0;
  fc.assert(
    fc.property(nodes, policies, jobs, (empty, policy, all) => {
      const possible = all.filter((job) => {
        const world = new World(empty, policy, [{ ...job, arrives: 0 }]);
        world.minute();
        return world.runs.size === 1;
      });
      const world = new World(empty, policy, possible);
      while (!world.isOver && world.now < 2000) world.minute();
      expect([...world.done].toSorted()).toEqual(possible.map((_, i) => `j${i}`).toSorted());
      const { queue, holdings, claims } = world.planner.snapshot();
      expect([queue, holdings, claims]).toEqual([[], [], []]);
      preemptions += world.preemptions;
    }),
    { numRuns: 500 },
  );
  expect(preemptions).toBeGreaterThan(100);
});
