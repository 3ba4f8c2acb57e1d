import { type Kysely, sql } from 'kysely';

/** What became of the exact solver in a pass. Null: of passes before this. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table pass add column solver text
    check (solver in ('not_asked', 'no_answer', 'nothing_better', 'better'))`.execute(db);
}
