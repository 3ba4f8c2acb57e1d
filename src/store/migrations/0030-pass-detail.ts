import { type Kysely, sql } from 'kysely';

/** What a pass decided in detail: whom it admitted is in the events of its transaction; who waited and why is kept for a week. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    -- Null: of passes before this.
    alter table pass add column tx xid8;
    alter table pass alter column tx set default pg_current_xact_id();

    create table pass_waiting (
      pass_id uuid primary key references pass on delete cascade,
      created_at timestamptz not null default now(),
      -- The first of those that waited, in order.
      waiting jsonb not null,
      -- How many waited for which reason, and of how many that is.
      reasons jsonb not null,
      counted integer not null
    );
    create index pass_waiting_age on pass_waiting (created_at);
  `)
    .execute(db);
}
