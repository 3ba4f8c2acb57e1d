import type { Registry } from 'prom-client';
import type { Database } from '../store/database.ts';
import { createDeliveryMetrics, type DeliveryMetrics } from './metrics/deliveries.ts';
import { createEngineMetrics, type EngineMetrics } from './metrics/engines.ts';
import { createPassMetrics, type PassMetrics } from './metrics/passes.ts';
import { createProcessMetrics, type LeaseMetrics } from './metrics/processes.ts';
import { createQueueMetrics, type QueueMetrics } from './metrics/queue.ts';
import { createWorkMetrics, type WorkMetrics } from './metrics/work.ts';

/** What the loops tell of themselves. All of it, with what it is good for, is in docs/metrics.md. */
export interface ControlMetrics {
  readonly queue: QueueMetrics;
  readonly passes: PassMetrics;
  readonly work: WorkMetrics;
  readonly engines: EngineMetrics;
  readonly leases: LeaseMetrics;
  readonly deliveries: DeliveryMetrics;
}

export function createControlMetrics(registry: Registry, db: Database): ControlMetrics {
  return {
    queue: createQueueMetrics(registry, db),
    passes: createPassMetrics(registry),
    work: createWorkMetrics(registry),
    engines: createEngineMetrics(registry),
    leases: createProcessMetrics(registry, db),
    deliveries: createDeliveryMetrics(registry),
  };
}
