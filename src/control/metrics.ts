import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../store/database.ts';
import { countOpen } from '../store/work.ts';
import type { PassSummary } from './control-plane.ts';

export interface ControlMetrics {
  /** A pass was committed; so many were admitted, so many of them promoted by their age. */
  passed(pass: PassSummary, counts: { readonly admitted: number; readonly promoted: number }): void;
  taskDone(kind: string, result: 'done' | 'failed'): void;
  reachable(runtime: string, yes: boolean): void;
}

/** What operators watch: how long the queue is, how long passes take, how many are admitted, and whether engines answer. */
export function createControlMetrics(registry: Registry, db: Database): ControlMetrics {
  const registers = [registry];
  const open = new Gauge({
    name: 'hypervisor_deployments',
    help: 'Deployments that are not over, by status.',
    labelNames: ['status'],
    // Registered below, by hand: it is counted when it is asked for, and nobody else sets it.
    registers: [],
    async collect() {
      const counts = await countOpen(db);
      for (const [status, count] of counts) this.labels(status).set(count);
    },
  });
  registry.registerMetric(open);
  const passes = new Histogram({
    name: 'hypervisor_pass_duration_seconds',
    help: 'Time of a pass, from its first query to its commit.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
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
  const tasks = new Counter({
    name: 'hypervisor_tasks_total',
    help: 'Tasks that were carried out.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const reachable = new Gauge({
    name: 'hypervisor_runtime_reachable',
    help: '1 where the runtime answers, 0 where it does not.',
    labelNames: ['runtime'],
    registers,
  });
  return {
    passed({ durationMs }, { admitted, promoted }) {
      passes.observe(durationMs / 1000);
      admissions.inc(admitted);
      promotions.inc(promoted);
    },
    taskDone: (kind, result) => tasks.labels(kind, result).inc(),
    reachable: (runtime, yes) => reachable.labels(runtime).set(yes ? 1 : 0),
  };
}
