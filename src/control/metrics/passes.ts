import { Counter, Histogram, type Registry } from 'prom-client';
import type { Quality } from '../../core/model.ts';
import type { PassSummary } from '../control-plane.ts';
import type { SolverUse } from '../near-optimum.ts';
import { bandOf } from './bands.ts';

/** What one pass did, for those who watch over all of them. */
export interface PassCounts {
  readonly promoted: number;
  /** Told to stop for others. */
  readonly preempted: number;
  readonly quality: Quality;
  readonly solver: SolverUse;
  readonly admitted: readonly AdmittedAfter[];
}

interface AdmittedAfter {
  readonly attempt: number;
  readonly effectivePriority: number;
  readonly waitedSeconds: number;
}

export interface PassMetrics {
  passed(pass: PassSummary, counts: PassCounts): void;
  failed(): void;
}

export function createPassMetrics(registry: Registry): PassMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'hypervisor_pass_duration_seconds',
    help: 'Time of a pass, from its first query to its commit.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const failures = new Counter({
    name: 'hypervisor_pass_failures_total',
    help: 'Passes that failed; each is made again.',
    registers,
  });
  const gap = new Histogram({
    name: 'hypervisor_pass_gap_deployments',
    help: 'How many deployments more than it admitted a pass could have admitted at the very most; 0: it is proven that none. Of passes in which somebody might have been admitted.',
    buckets: [0, 1, 2, 4, 8, 16, 64, 256],
    registers,
  });
  const solver = new Counter({
    name: 'hypervisor_pass_solver_total',
    help: 'Passes by what the exact solver had to do with them.',
    labelNames: ['use'],
    registers,
  });
  const admissions = new Counter({
    name: 'hypervisor_admitted_total',
    help: 'Deployments that passes admitted.',
    registers,
  });
  const promotions = new Counter({
    name: 'hypervisor_promoted_total',
    help: 'Admissions that age brought forward.',
    registers,
  });
  const preemptions = new Counter({
    name: 'hypervisor_preempted_total',
    help: 'Deployments that were told to stop for others.',
    registers,
  });
  const waits = new Histogram({
    name: 'hypervisor_wait_duration_seconds',
    help: 'How long deployments waited until they were admitted for the first time, by the band of the effective priority with which they were.',
    labelNames: ['band'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, 604_800],
    registers,
  });
  return {
    passed({ durationMs }, { admitted, promoted, preempted, quality, solver: use }) {
      duration.observe(durationMs / 1000);
      if (quality.bound > 0) gap.observe(quality.bound - quality.admitted);
      solver.labels(use).inc();
      admissions.inc(admitted.length);
      promotions.inc(promoted);
      preemptions.inc(preempted);
      for (const { attempt, effectivePriority, waitedSeconds } of admitted) {
        // What is tried again keeps its age, of which it has run a part.
        if (attempt === 1) waits.labels(bandOf(effectivePriority)).observe(waitedSeconds);
      }
    },
    failed: () => failures.inc(),
  };
}
