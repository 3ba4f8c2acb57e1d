import { type Kysely, sql } from 'kysely';

/** On which node runs were whose replicas went on, perhaps elsewhere. Null: of runs before this. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table replica_run add column node_id uuid, add column node_name text`.execute(db);
}
