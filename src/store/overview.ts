/** How all of an organization stands at the moment, in a few figures. */
import { sql } from 'kysely';
import type { FinalStatus } from '../core/lifecycle.ts';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

export interface OverviewRow {
  readonly queued: number;
  readonly starting: number;
  readonly running: number;
  readonly stopping: number;
  /** How many ended so in the last 24 hours. */
  readonly finished: Readonly<Record<FinalStatus, number>>;
  /** Seconds from entering the queue to being admitted, of those admitted in the last 24 hours; null where there are none. */
  readonly medianWait: number | null;
  readonly wait90: number | null;
  readonly admitted: number;
  /** Seconds; null where nobody waits for the scheduler. */
  readonly longestWaiting: number | null;
}

/** One statement, so that its figures belong to one instant. Counts by the indexes of queues, of what is active and of what is over. */
export async function readOverview(db: Database, { organizationId }: Scope): Promise<OverviewRow> {
  const { rows } = await sql<OverviewRow>`
    with mine as materialized (
      select id from cluster where organization_id = ${organizationId}
    ), waiting as (
      select count(*)::int as queued, min(queued_at) filter (where not held) as oldest
        from mine m join deployment d on d.cluster_id = m.id and d.status = 'queued'
    ), active as materialized (
      select d.status, d.queued_at, d.admitted_at
        from mine m join deployment d on d.cluster_id = m.id and d.status in ('starting', 'running', 'stopping')
    ), over as materialized (
      select d.status, d.queued_at, d.admitted_at
        from mine m join deployment d on d.cluster_id = m.id and d.keep_for_s is null
       where d.status in ('succeeded', 'failed', 'cancelled', 'skipped') and d.finished_at >= now() - interval '24 hours'
      union all
      select d.status, d.queued_at, d.admitted_at from deployment d
       where d.organization_id = ${organizationId} and d.keep_for_s is not null
         and d.status in ('succeeded', 'failed', 'cancelled', 'skipped') and d.finished_at >= now() - interval '24 hours'
    ), waits as (
      select count(*)::int as admitted, percentile_cont(array[0.5, 0.9]) within group (order by waited) as quantiles
        from (select extract(epoch from admitted_at - queued_at)::float8 as waited
                from (select * from active union all select * from over) known
               where admitted_at >= now() - interval '24 hours') one
    ), ended as (
      select count(*) filter (where status = 'succeeded') as succeeded, count(*) filter (where status = 'failed') as failed,
             count(*) filter (where status = 'cancelled') as cancelled, count(*) filter (where status = 'skipped') as skipped
        from over
    ), under_way as (
      select count(*) filter (where status = 'starting')::int as starting, count(*) filter (where status = 'running')::int as running,
             count(*) filter (where status = 'stopping')::int as stopping
        from active
    )
    select waiting.queued, under_way.*, to_jsonb(ended) as finished, waits.admitted, waits.quantiles[1] as "medianWait",
           waits.quantiles[2] as "wait90", case when waiting.oldest is not null then greatest(0, extract(epoch from now() - waiting.oldest))::float8 end as "longestWaiting"
      from waiting, under_way, ended, waits`.execute(db);
  return rows[0] as OverviewRow;
}
