import { type Kysely, sql } from 'kysely';

/** So that people know their sessions apart, and end those that they do not know. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table session add column user_agent text, add column last_used_at timestamptz`.execute(db);
}
