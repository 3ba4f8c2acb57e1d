/** What Kueue's performance tests generate, as their YAML says: cohorts of queues, each with sets of workloads that come at an interval. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { traces } from './openb.ts';

interface Generator {
  readonly cohorts: readonly {
    readonly count: number;
    readonly queuesSets: readonly {
      readonly count: number;
      readonly nominalQuota: number;
      readonly workloadsSets: readonly {
        readonly count: number;
        readonly creationIntervalMs: number;
        readonly workloads: readonly {
          readonly className: string;
          readonly runtimeMs: number;
          readonly priority: number;
          readonly request: number;
        }[];
      }[];
    }[];
  }[];
}

export interface Workload {
  /** Its place in `quotas`. */
  readonly cohort: number;
  readonly className: string;
  /** Milliseconds from the beginning until it comes. */
  readonly atMs: number;
  readonly runtimeMs: number;
  /** The higher, the more important. */
  readonly priority: number;
  /** Of the cohort's quota. */
  readonly request: number;
}

export interface Replay {
  /** What the queues of each cohort may use together: each may borrow what the others leave. */
  readonly quotas: readonly number[];
  /** In the order in which they come. */
  readonly workloads: readonly Workload[];
  /** Milliseconds that the work alone takes where nothing is ever idle. */
  readonly boundMs: number;
}

/** Throws in plain words where the traces are not there. */
export async function readReplay(name: string): Promise<Replay> {
  const path = join(traces, 'kueue', `${name}-generator.yaml`);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) throw new Error(`${path} is not there: HYPERVISOR_TRACES names the folder that has kueue/ in it`);
  return generate(parse(await readFile(path, 'utf8')) as Generator);
}

function generate({ cohorts }: Generator): Replay {
  const quotas: number[] = [];
  const workloads: Workload[] = [];
  for (const { count, queuesSets } of cohorts) {
    for (let one = 0; one < count; one += 1) {
      const cohort = quotas.length;
      quotas.push(queuesSets.reduce((sum, set) => sum + set.count * set.nominalQuota, 0));
      for (const set of queuesSets) {
        for (let queue = 0; queue < set.count; queue += 1) workloads.push(...ofQueue(cohort, set.workloadsSets));
      }
    }
  }
  return { quotas, workloads: workloads.toSorted((a, b) => a.atMs - b.atMs), boundMs: boundOf(quotas, workloads) };
}

function ofQueue(
  cohort: number,
  sets: Generator['cohorts'][number]['queuesSets'][number]['workloadsSets'],
): Workload[] {
  return sets.flatMap(({ count, creationIntervalMs, workloads }) =>
    Array.from({ length: count }, (_, index) =>
      workloads.map(({ className, runtimeMs, priority, request }) => ({
        cohort,
        className,
        atMs: index * creationIntervalMs,
        runtimeMs,
        priority,
        request,
      })),
    ).flat(),
  );
}

/** Of the cohort that has the most to do. */
function boundOf(quotas: readonly number[], workloads: readonly Workload[]): number {
  const work = quotas.map(() => 0);
  for (const { cohort, request, runtimeMs } of workloads) work[cohort] = (work[cohort] ?? 0) + request * runtimeMs;
  return Math.max(...quotas.map((quota, cohort) => (work[cohort] ?? 0) / quota));
}
