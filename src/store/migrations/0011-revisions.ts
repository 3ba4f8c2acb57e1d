import { type Kysely, sql } from 'kysely';

/**
 * Revisions of a service, and the update that brings its replicas from one to another.
 *
 * The row of a deployment says what is wanted; the first revision of one that was never updated has no row of its own. What is
 * held for a replica beside what it holds already, until it is started as what is wanted, is an allocation like any other.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table revision (
      deployment_id uuid not null references deployment on delete cascade,
      revision integer not null check (revision > 0),
      -- What an update may change, by the names of its columns in deployment.
      spec jsonb not null,
      made_by uuid references "user" on delete set null,
      why text not null,
      created_at timestamptz not null default now(),
      primary key (deployment_id, revision)
    );

    alter table deployment
      add column revision integer not null default 1,
      -- The last one that all replicas were ready with: where an update that fails goes back to.
      add column stable_revision integer not null default 1,
      -- Of a service: { max_unavailable, min_ready_s, max_failures }.
      add column update_policy jsonb,
      -- Not all is as it is wanted; and what the update waits for, in words.
      add column updating boolean not null default false,
      add column update_message text;
    create index deployment_updating on deployment (id) where updating;

    alter table replica drop constraint replica_status_check;
    alter table replica
      add constraint replica_status_check
        check (status in ('starting', 'running', 'restarting', 'replacing', 'removing', 'ended')),
      add column revision integer not null default 1,
      add column failures integer not null default 0,
      -- What its next run is to be, and where: { node_id, node_name, ram, cpu, gpu, device_indexes, device_amounts }; null: where it is.
      add column next_revision integer,
      add column next_placement jsonb;

    alter table allocation add column next boolean not null default false;
    alter table allocation drop constraint allocation_pkey;
    -- One replica holds resources once, whatever the attempt; and once more what its next run takes beyond that.
    alter table allocation add primary key (deployment_id, replica, next);
  `)
    .execute(db);
}
