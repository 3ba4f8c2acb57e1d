import { type Kysely, sql } from 'kysely';

/**
 * How long what has ended is kept. Clusters that are there already keep everything, as they did; new ones a month, unless told
 * otherwise.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    -- Null: for ever.
    alter table cluster add column retention_s double precision check (retention_s > 0);
    alter table cluster alter column retention_s set default 2592000;

    -- Null: as long as the policy of its cluster says.
    alter table deployment add column keep_for_s integer check (keep_for_s >= 0);
    create index deployment_over on deployment (cluster_id, finished_at, id)
      where keep_for_s is null and status in ('succeeded', 'failed', 'cancelled', 'skipped');
    create index deployment_over_kept on deployment (finished_at, id)
      where keep_for_s is not null and status in ('succeeded', 'failed', 'cancelled', 'skipped');
  `)
    .execute(db);
}
