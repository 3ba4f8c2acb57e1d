import { Counter, Histogram, type Registry } from 'prom-client';
import type { SendResult } from '../../webhooks/send.ts';

export interface DeliveryMetrics {
  attempted(result: SendResult): void;
}

export function createDeliveryMetrics(registry: Registry): DeliveryMetrics {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'hypervisor_webhook_deliveries_total',
    help: 'Attempts to deliver to webhooks: succeeded (answered with 2xx), refused (with anything else), unanswered.',
    labelNames: ['result'],
    registers,
  });
  const durations = new Histogram({
    name: 'hypervisor_webhook_delivery_duration_seconds',
    help: 'Time of an attempt to deliver to a webhook.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    attempted({ succeeded, responseCode, durationMs }) {
      const failure = responseCode === null ? 'unanswered' : 'refused';
      deliveries.labels(succeeded ? 'succeeded' : failure).inc();
      durations.observe(durationMs / 1000);
    },
  };
}
