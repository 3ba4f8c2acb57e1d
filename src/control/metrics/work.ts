import { Counter, Histogram, type Registry } from 'prom-client';
import type { Task } from '../../queue/task-queue.ts';

export interface WorkMetrics {
  taskDone(kind: Task['kind'], result: 'done' | 'failed', seconds: number): void;
  /** A deployment runs, so long after it was admitted. */
  started(seconds: number): void;
}

export function createWorkMetrics(registry: Registry): WorkMetrics {
  const registers = [registry];
  const tasks = new Counter({
    name: 'hypervisor_tasks_total',
    help: 'Tasks that were carried out.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: 'hypervisor_task_duration_seconds',
    help: 'Time to carry out a task. A start includes the pull of its image, a stop the grace.',
    labelNames: ['kind', 'result'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers,
  });
  const starts = new Histogram({
    name: 'hypervisor_start_duration_seconds',
    help: 'Time from the admission of a deployment until it was seen to run.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers,
  });
  return {
    taskDone(kind, result, seconds) {
      tasks.labels(kind, result).inc();
      durations.labels(kind, result).observe(seconds);
    },
    started: (seconds) => starts.observe(seconds),
  };
}
