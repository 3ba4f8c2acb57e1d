import { type Kysely, sql } from 'kysely';

/** How one finds out whether the replicas of a deployment are well, and what was found last. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    -- As it was submitted (HealthCheck in src/api/schemas/health.ts); null: there is none.
    alter table deployment add column health_check jsonb;
    create index deployment_checked on deployment (id)
      where health_check is not null and status in ('starting', 'running');

    alter table replica
      -- Null before the first look, and where there is no check.
      add column health text check (health in ('starting', 'healthy', 'unhealthy')),
      add column health_since timestamptz,
      add column health_message text;
  `)
    .execute(db);
}
