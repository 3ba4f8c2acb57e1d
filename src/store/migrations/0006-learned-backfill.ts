import { type Kysely, sql } from 'kysely';

/** Who of a level goes first is a policy of the cluster; and how long deployments really ran is found without reading them all. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table cluster
      add column backfill text not null default 'largest_set' check (backfill in ('largest_set', 'learned'));

    -- The latest runs of a user in a cluster (src/store/runs.ts): of jobs that ended by themselves or at their time limit. What was
    -- stopped by a person, or for another, says nothing about how long it would have run.
    create index deployment_runs on deployment (cluster_id, submitted_by, finished_at desc, id desc)
      where kind = 'job' and status in ('succeeded', 'failed') and started_at is not null
        and (stop_intent is null or stop_intent in ('replica_failed', 'time_limit'));
  `)
    .execute(db);
}
