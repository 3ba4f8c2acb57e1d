/** For tests: what a process with every role tells Prometheus, without what any Node process does. */
import pino from 'pino';
import { Registry } from 'prom-client';
import { createServer } from './api/server.ts';
import type { ControlPlane } from './control/control-plane.ts';
import { measurePool } from './control/metrics/pool.ts';
import { createControlMetrics } from './control/metrics.ts';
import { secretKeyInMemory } from './secret-key.ts';
import { databaseOn, openPool } from './store/database.ts';

export interface OwnMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export function ownMetrics(): OwnMetric[] {
  const registry = new Registry();
  const pool = openPool('postgres://nobody@127.0.0.1:1/none');
  const db = databaseOn(pool);
  createControlMetrics(registry, db);
  measurePool(registry, pool);
  createServer({
    db,
    registry,
    control: {} as ControlPlane,
    config: { registration: 'open', secureCookies: false },
    secretKey: secretKeyInMemory(),
    logger: pino({ level: 'silent' }),
  });
  return registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('hypervisor_'))
    .map((metric) => ({
      name: metric.name,
      help: metric.help,
      type: String(metric.type),
      // Its types do not tell them.
      labels: 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : [],
    }));
}
