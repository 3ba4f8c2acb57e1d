/** Builders for the simulator's tests: amounts in cores and devices, times in seconds. */
import type { Node, Policy } from '../core/model.ts';
import type { NamedPolicy } from './replay.ts';
import { bySubmission, emptyNode, type Trace, type TraceDeployment } from './trace.ts';

export function machine(cores: number, gpus = 0, name = 'machine'): Node {
  return emptyNode({
    name,
    ram: 0,
    cpu: cores * 1000,
    gpus: Array.from({ length: gpus }, () => ({ model: 'a100' })),
  });
}

interface Asked {
  readonly cores?: number;
  readonly gpus?: number;
  readonly run?: number | null;
  readonly limit?: number;
}

/** Submitted at that second. */
export function job(
  id: string,
  at: number,
  { cores = 1, gpus = 0, run = 10, limit }: Asked,
  more: Partial<TraceDeployment> = {},
): TraceDeployment {
  return {
    id,
    submittedAt: at * 1000,
    request: { perReplica: { ram: 0, cpu: cores * 1000, gpu: gpus * 1000 }, replicas: 1, gpuModels: [] },
    priority: 50,
    runTime: run === null ? null : run * 1000,
    timeLimit: limit === undefined ? null : limit * 1000,
    user: null,
    kind: 'job',
    ends: 'succeeded',
    cancelledAt: null,
    recordedWait: null,
    marks: {},
    ...more,
  };
}

export function traceOf(nodes: readonly Node[], deployments: readonly TraceDeployment[]): Trace {
  return { name: 'test', format: 'hvtrace', nodes, deployments: bySubmission(deployments), notes: [] };
}

export function policy(more: Partial<Policy> = {}, name = 'test'): NamedPolicy {
  return { name, policy: { agingInterval: 0, reservationAfter: 7_200_000, maxAdmissions: 500, ...more } };
}

/** Plain EASY backfilling: whoever waits longest has a reservation from the first moment on. */
export const easy = policy({ reservationAfter: 0 }, 'easy');

/**
 * Worked out by hand, on 10 cores. B has to wait for the end of A. C fits beside A and ends before B can start; E would not,
 * and B needs its cores; F runs longer still, but on cores that B leaves.
 *
 *     A  6 cores  0 ───────────────────── 100
 *     B  8 cores   (from 1)               100 ────── 150
 *     C  4 cores   2 ───────────── 92
 *     F  2 cores                     94 ─────────────────────── 194
 *     E  4 cores                    (from 93)        150 ── 170
 */
export const easyExample = traceOf(
  [machine(10)],
  [
    job('A', 0, { cores: 6, run: 100, limit: 100 }, { user: 'ada' }),
    job('B', 1, { cores: 8, run: 50, limit: 50 }, { user: 'bob' }),
    job('C', 2, { cores: 4, run: 90, limit: 90 }, { user: 'ada' }),
    job('E', 93, { cores: 4, run: 20, limit: 20 }, { user: 'bob', priority: 60 }),
    job('F', 94, { cores: 2, run: 100, limit: 100 }, { user: 'ada' }),
  ],
);
