import { type Kysely, sql } from 'kysely';

/** Maintenance windows: times at which nodes are closed, known beforehand. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table maintenance_window (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      cluster_id uuid not null references cluster on delete cascade,
      -- Null: all nodes of the cluster.
      node_id uuid references node on delete cascade,
      starts_at timestamptz not null,
      ends_at timestamptz not null,
      reason text not null,
      -- When its nodes were closed, and opened again; null: not yet.
      begun_at timestamptz,
      ended_at timestamptz,
      created_at timestamptz not null default now(),
      constraint maintenance_window_order check (ends_at > starts_at)
    );
    create index maintenance_window_cluster on maintenance_window (cluster_id);
    create index maintenance_window_open on maintenance_window (starts_at) where ended_at is null;

    -- Which window closed it, and opens it again; null where nobody or a person did.
    alter table node add column maintenance_id uuid references maintenance_window on delete set null;

    create trigger maintenance_window_inserted after insert on maintenance_window
      referencing new table as changed for each statement execute function nodes_changed();
    create trigger maintenance_window_deleted after delete on maintenance_window
      referencing old table as changed for each statement execute function nodes_changed();
    create trigger maintenance_window_updated after update of starts_at, ends_at, node_id, ended_at on maintenance_window
      for each row execute function node_changed();
  `)
    .execute(db);
}
