import { Counter, Gauge, type Registry } from 'prom-client';
import { processRoles } from '../../process-roles.ts';
import type { Database } from '../../store/database.ts';
import { countLivingByRole } from '../../store/processes.ts';
import { readOnce } from './read-once.ts';

export type LeaseKind = 'cluster' | 'upkeep' | 'watch';

export interface LeaseMetrics {
  gained(kind: LeaseKind): void;
  /** Lost to another process, or given back to it. */
  gone(kind: LeaseKind, how: 'lost' | 'given_back'): void;
}

/** Who else is there, and what this one has of what only one may do. */
export function createProcessMetrics(registry: Registry, db: Database): LeaseMetrics {
  const registers = [registry];
  const living = readOnce(() => countLivingByRole(db));
  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_processes',
      help: 'Processes of the installation that live, this one included, by role. Each tells what it sees: take the largest, not the sum.',
      labelNames: ['role'],
      registers: [],
      async collect() {
        this.reset();
        const counts = await living();
        if (counts !== null) for (const role of processRoles) this.labels(role).set(counts.get(role) ?? 0);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'hypervisor_database_up',
      help: '1 where the database answered this scrape in time, 0 where it did not.',
      registers: [],
      async collect() {
        this.set((await living()) === null ? 0 : 1);
      },
    }),
  );
  const held = new Gauge({
    name: 'hypervisor_leases',
    help: 'Leases that this process has: clusters, and the duties upkeep and watch.',
    labelNames: ['kind'],
    registers,
  });
  const changes = new Counter({
    name: 'hypervisor_lease_changes_total',
    help: 'Leases that this process gained, lost or gave back.',
    labelNames: ['kind', 'change'],
    registers,
  });
  for (const kind of ['cluster', 'upkeep', 'watch']) held.labels(kind).set(0);
  return {
    gained(kind) {
      held.labels(kind).inc();
      changes.labels(kind, 'gained').inc();
    },
    gone(kind, how) {
      held.labels(kind).dec();
      changes.labels(kind, how).inc();
    },
  };
}
