import { type Kysely, sql } from 'kysely';

/** How many a pass could have admitted at most, and whether nobody could have done better. Null: of passes before this. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table pass add column bound integer, add column proven boolean`.execute(db);
}
