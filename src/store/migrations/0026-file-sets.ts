import { type Kysely, sql } from 'kysely';

/** Deployments that are declared in files: one at a time under a name. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table deployment
      -- The set of files in which it is declared; null where it is in none, or another has taken its place.
      add column file_set text;
    create unique index deployment_declared on deployment (organization_id, name) where file_set is not null;
  `)
    .execute(db);
}
