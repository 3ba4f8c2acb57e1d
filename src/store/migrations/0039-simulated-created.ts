import { type Kysely, sql } from 'kysely';

/** Simulated containers that several processes share are there for all to see before they are started, as those of an engine are. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table simulated_container
      alter column started_at drop not null,
      add constraint simulated_container_started check (started_at is not null or (ends_at is null and ended_at is null))`)
    .execute(db);
}
