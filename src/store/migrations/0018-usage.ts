import { type Kysely, sql } from 'kysely';

/** What replicas used, so that it can be told after their end too. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table replica
      -- The most memory that it was seen to hold, in thousandths of a GB, and its CPU time in milliseconds; null: it was never seen.
      add column peak_ram integer check (peak_ram >= 0),
      add column cpu_ms bigint check (cpu_ms >= 0),
      -- How the counter of its container stood when it was seen last: one that is lower began anew.
      add column cpu_counter_ms bigint,
      add column seen_at timestamptz;
  `)
    .execute(db);
}
