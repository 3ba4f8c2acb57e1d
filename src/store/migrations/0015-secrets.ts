import { type Kysely, sql } from 'kysely';

/** Secrets of an organization, by name: their values encrypted, with a key that is not in the database. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table secret (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      name text not null,
      -- Counts from 1; each new value is a version. The values before are gone.
      version integer not null default 1 check (version > 0),
      -- AES-256-GCM, with the id of its key.
      value_encrypted bytea not null,
      -- Whether it can stand in a variable: text, without NUL.
      is_text boolean not null,
      created_by uuid references "user" on delete set null,
      created_at timestamptz not null default now(),
      updated_by uuid references "user" on delete set null,
      updated_at timestamptz not null default now(),
      constraint secret_name unique (organization_id, name)
    );

    alter table registry_credential add column updated_at timestamptz not null default now();
    update registry_credential set updated_at = created_at;
  `)
    .execute(db);
}
