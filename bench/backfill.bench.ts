import type { Policy } from '../src/core/model.ts';
import { Planner } from '../src/core/planner.ts';
import type { Bench, Metric } from './support/bench.ts';
import { readReferenceLogs, type SwfJob, type SwfLog } from './support/swf.ts';

const policies: Readonly<Record<string, Policy>> = {
  largest_set: { agingInterval: 0, reservationAfter: 0, maxAdmissions: 500 },
  learned: { agingInterval: 0, reservationAfter: 0, maxAdmissions: 500, backfill: 'learned' },
};

/** Average bounded slowdowns that EASY++ got on the same logs, as published with them. */
const easyPlusPlus: Readonly<Record<string, number>> = { 'KTH-SP2': 63.5, 'SDSC-SP2': 79.4 };

export const bench: Bench = {
  about: `Logs of parallel machines, replayed by the production planner on virtual time: average bounded slowdown, mean and worst wait.
A reference EASY gets 92.58 on KTH-SP2 and 87.87 on SDSC-SP2, EASY++ 63.50 and 79.40. What is learned is to do better than both (on
other logs, than EASY), and nobody is to wait longer than EASY let anybody wait, which is field 3 of the logs.`,
  async run(context) {
    const metrics: Record<string, Metric> = {};
    for (const log of await readReferenceLogs()) {
      const reference = figuresOf(
        log.jobs,
        log.jobs.map(({ wait }) => wait),
      );
      for (const [name, policy] of Object.entries(policies)) {
        const waits = replay(log, policy);
        const { slowdown, mean, worst } = figuresOf(log.jobs, waits);
        context.say(`${log.name}, ${name}: ${slowdown.toFixed(2)}, mean wait ${mean.toFixed(0)} s, worst ${worst} s`);
        const isAimed = policy.backfill === 'learned';
        const slowdownTarget = { atMost: easyPlusPlus[log.name] ?? reference.slowdown };
        metrics[`${log.name}_${name}_slowdown`] = {
          values: [slowdown],
          unit: '',
          ...(isAimed && { target: slowdownTarget }),
        };
        metrics[`${log.name}_${name}_mean_wait`] = { values: [mean], unit: 's' };
        metrics[`${log.name}_${name}_worst_wait`] = {
          values: [worst],
          unit: 's',
          ...(isAimed && { target: { atMost: reference.worst } }),
        };
      }
      metrics[`${log.name}_reference_worst_wait`] = { values: [reference.worst], unit: 's' };
    }
    return metrics;
  },
};

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function figuresOf(jobs: readonly SwfJob[], waits: readonly number[]) {
  const slowdowns = jobs.map(({ run }, i) => Math.max(1, ((waits[i] ?? 0) + run) / Math.max(run, 10)));
  return { slowdown: average(slowdowns), mean: average(waits), worst: waits.reduce((a, b) => Math.max(a, b), 0) };
}

/** Waits in seconds, in the order of the log. */
function replay({ processors, jobs }: SwfLog, policy: Policy): number[] {
  const total = { ram: 0, cpu: processors * 1000, gpu: 0 };
  const node = { id: 'n', name: 'n', total, free: total, devices: [], schedulable: true };
  const planner = new Planner({ nodes: [node], queue: [], holdings: [] }, policy);
  const byId = new Map(jobs.map((job, i) => [idOf(i), { job, i }]));
  const arrivals = jobs.map((job, i) => ({ job, i })).toSorted((a, b) => a.job.submit - b.job.submit || a.i - b.i);
  const waits = jobs.map(() => 0);
  const ends = new Ends();
  for (let next = 0; next < arrivals.length || ends.size > 0; ) {
    const now = Math.min(arrivals[next]?.job.submit ?? Number.POSITIVE_INFINITY, ends.first);
    for (; ends.first === now; ) planner.release(ends.take(), now * 1000);
    for (; arrivals[next]?.job.submit === now; next += 1) {
      const { job, i } = arrivals[next] as { job: SwfJob; i: number };
      planner.submit({
        id: idOf(i),
        request: { perReplica: { ram: 0, cpu: job.processors * 1000, gpu: 0 }, replicas: 1, gpuModels: [] },
        priority: 50,
        queuedAt: job.submit * 1000,
        timeLimit: job.requested * 1000,
        user: job.user,
      });
    }
    const { places } = planner.pass(now * 1000);
    planner.start(places, now * 1000);
    for (const { deploymentId } of places) {
      const { job, i } = byId.get(deploymentId) as { job: SwfJob; i: number };
      waits[i] = now - job.submit;
      ends.add(now + Math.min(job.run, job.requested), deploymentId);
    }
  }
  return waits;
}

/** Later ids are larger, also as text. */
const idOf = (number: number): string => String(number).padStart(7, '0');

/** Ends to come, the first first: few at a time, so a sorted list will do. */
class Ends {
  readonly #list: { readonly at: number; readonly id: string }[] = [];
  get size(): number {
    return this.#list.length;
  }
  get first(): number {
    return this.#list[0]?.at ?? Number.POSITIVE_INFINITY;
  }
  take(): string {
    return this.#list.shift()?.id ?? '';
  }
  add(at: number, id: string): void {
    const place = this.#list.findIndex((end) => end.at > at);
    this.#list.splice(place === -1 ? this.#list.length : place, 0, { at, id });
  }
}
