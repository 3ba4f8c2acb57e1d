import { type Kysely, sql } from 'kysely';

/** Stopping who runs for who is more important: a policy of the cluster, off by default; and what is kept for whom meanwhile. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table cluster
      add column preemption boolean not null default false,
      add column preemption_min_run_time_s double precision not null default 300 check (preemption_min_run_time_s >= 0);

    alter table deployment drop constraint deployment_stop_intent_check;
    alter table deployment add constraint deployment_stop_intent_check
      check (stop_intent in ('stop', 'cancel', 'cluster_deleted', 'time_limit', 'replica_failed', 'preempted'));

    -- Places that are kept for a queued deployment until those that were stopped for it are gone. A hint of the planner to
    -- itself: it allocates nothing, and counts only while its deployment is queued, in the same attempt.
    create table claim (
      deployment_id uuid primary key references deployment on delete cascade,
      attempt integer not null,
      cluster_id uuid not null references cluster on delete cascade,
      -- As the planner wrote them (Placement in src/core/model.ts).
      placements jsonb not null,
      victims uuid[] not null,
      created_at timestamptz not null default now()
    );
    create index claim_cluster on claim (cluster_id);

    -- Who was stopped for whom, at which cost, and what else would have done.
    alter table pass add column preemptions jsonb not null default '[]';
  `)
    .execute(db);
}
