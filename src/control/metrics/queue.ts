import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../../store/database.ts';
import { countOpen, countWaiting, type Waiting } from '../../store/queue-counts.ts';
import type { RuntimeKind } from '../../store/tables.ts';
import { bandOf, bands } from './bands.ts';
import { readOnce } from './read-once.ts';

const runtimes: readonly RuntimeKind[] = ['docker', 'swarm', 'simulated'];

export interface QueueMetrics {
  /** Whether this process tells of the queue. One of the installation does: the same numbers from many would be added up, and each costs a look. */
  tell(isMine: boolean): void;
}

export function createQueueMetrics(registry: Registry, db: Database): QueueMetrics {
  let isMine = false;
  const open = readOnce(() => countOpen(db));
  const waiting = readOnce(() => countWaiting(db));
  const ifMine = async <Answer>(read: () => Promise<Answer | null>) => (isMine ? read() : null);

  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_deployments',
      help: 'Deployments that are not over, by status. Told by the process with the duty upkeep.',
      labelNames: ['status'],
      registers: [],
      async collect() {
        this.reset();
        for (const [status, count] of (await ifMine(open)) ?? []) this.labels(status).set(count);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_queue_deployments',
      help: 'Deployments that wait for room, by the runtime of their cluster and the band of their effective priority. Told by the process with the duty upkeep.',
      labelNames: ['runtime', 'band'],
      registers: [],
      async collect() {
        this.reset();
        const found = await ifMine(waiting);
        if (found === null) return;
        for (const runtime of runtimes) for (const band of bands) this.labels(runtime, band).set(0);
        for (const { runtime, priority, count } of found) this.labels(runtime, bandOf(priority)).inc(count);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_queue_oldest_wait_seconds',
      help: 'How long the oldest that waits for room has waited, by the runtime of its cluster; 0 where nobody waits. Told by the process with the duty upkeep.',
      labelNames: ['runtime'],
      registers: [],
      async collect() {
        this.reset();
        const found = await ifMine(waiting);
        if (found === null) return;
        for (const runtime of runtimes) this.labels(runtime).set(oldestIn(found, runtime));
      },
    }),
  );
  return {
    tell(isMineNow) {
      isMine = isMineNow;
    },
  };
}

function oldestIn(waiting: readonly Waiting[], runtime: RuntimeKind): number {
  return Math.max(0, ...waiting.filter((one) => one.runtime === runtime).map(({ oldestSeconds }) => oldestSeconds));
}
