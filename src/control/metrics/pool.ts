import { Gauge, type Registry } from 'prom-client';

/** As pg counts them. */
interface Pool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** Of the connections of this process to the database: who waits for one waits before anything of theirs is asked. */
export function measurePool(registry: Registry, pool: Pool): void {
  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_database_connections',
      help: 'Connections of this process to the database.',
      labelNames: ['state'],
      registers: [],
      collect() {
        this.labels('in_use').set(pool.totalCount - pool.idleCount);
        this.labels('idle').set(pool.idleCount);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_database_waiting',
      help: 'Queries and transactions of this process that wait for a connection to the database.',
      registers: [],
      collect() {
        this.set(pool.waitingCount);
      },
    }),
  );
}
