import { type Kysely, sql } from 'kysely';

/** Volumes, host paths, secrets and files that deployments ask for, and the network that they are in. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table deployment
      add column volumes jsonb not null default '[]',
      -- Names, and where they go. Values are nowhere but in the table of secrets.
      add column secrets jsonb not null default '[]',
      -- Paths, modes, sizes and hashes; what they hold is in deployment_file.
      add column files jsonb not null default '[]',
      add column network text not null default 'shared' check (network in ('shared', 'private', 'none'));
    -- Most refer to nothing: looking for who does costs only those that do.
    create index deployment_secrets on deployment (organization_id) where secrets <> '[]';
    create index deployment_volumes on deployment (organization_id) where volumes <> '[]';

    create table deployment_file (
      deployment_id uuid not null references deployment on delete cascade,
      -- By what it is, so that one content is kept once, whatever paths or revisions it has.
      sha256 text not null,
      content bytea not null,
      primary key (deployment_id, sha256)
    );

    create table volume (
      id uuid primary key,
      organization_id uuid not null,
      cluster_id uuid not null,
      name text not null,
      -- Its data is being removed from the engine; the row goes when it is.
      deleting boolean not null default false,
      created_by uuid references "user" on delete set null,
      created_at timestamptz not null default now(),
      constraint volume_name unique (cluster_id, name),
      foreign key (organization_id, cluster_id) references cluster (organization_id, id)
    );
    create index volume_organization on volume (organization_id, created_at, id);

    -- Directories of the engine's machine that deployments may use: [{path, read_only}].
    alter table cluster add column allowed_host_paths jsonb not null default '[]';
  `)
    .execute(db);
}
