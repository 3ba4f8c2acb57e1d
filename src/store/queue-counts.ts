/** How many wait and run, of the whole installation: for those who operate it. */
import { sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Database } from './database.ts';
import type { RuntimeKind } from './tables.ts';

const openStatuses = ['queued', 'starting', 'running', 'stopping'] as const;

/** How many there are of each status that is not final, 0 included. */
export async function countOpen(db: Database): Promise<Map<DeploymentStatus, number>> {
  // In two halves, each by an index of its own: what is over, most of the table, is not looked at.
  const { rows } = await sql<{ status: DeploymentStatus; count: number }>`
    select 'queued' as status, count(*)::int as count from deployment where status = 'queued'
    union all
    select status, count(*)::int from deployment where status in ('starting', 'running', 'stopping') group by status`.execute(
    db,
  );
  const counts = new Map(rows.map((row) => [row.status, row.count]));
  return new Map(openStatuses.map((status) => [status, counts.get(status) ?? 0]));
}

/** Those of one runtime and one effective priority that wait for room. */
export interface Waiting {
  readonly runtime: RuntimeKind;
  readonly priority: number;
  readonly count: number;
  readonly oldestSeconds: number;
}

/** Effective priorities as `effectivePriority` of src/core/order.ts has them: reading each of a long queue into memory would cost more than it tells. */
export async function countWaiting(db: Database): Promise<Waiting[]> {
  const { rows } = await sql<Waiting>`
    select runtime, case when aging_interval_s > 0 then least(priority, greatest(1, priority - floor(waited_s / aging_interval_s))) else priority end::int as priority,
           count(*)::int as count, max(waited_s) as "oldestSeconds"
      from (select c.runtime, c.aging_interval_s, d.priority, greatest(0, date_part('epoch', now() - d.queued_at)) as waited_s
              from deployment d join cluster c on c.id = d.cluster_id where d.status = 'queued' and not d.held) waiting
     group by 1, 2 order by 1, 2`.execute(db);
  return rows;
}
