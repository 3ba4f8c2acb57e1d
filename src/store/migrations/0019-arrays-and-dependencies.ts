import { type Kysely, sql } from 'kysely';

/**
 * Arrays (many deployments of one submission), and deployments that wait for others. Both keep a queued deployment from the
 * planner: `held` says so, and no deployment that is held ever runs. Rewrites the table of deployments, once.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table deployment drop constraint deployment_status_check;
    alter table deployment add constraint deployment_status_check
      check (status in ('queued', 'starting', 'running', 'stopping', 'succeeded', 'failed', 'cancelled', 'skipped'));

    create table deployment_array (
      id uuid primary key,
      organization_id uuid not null,
      cluster_id uuid not null,
      name text not null,
      -- As many as were submitted; those that were deleted since count as well.
      count integer not null check (count > 1),
      -- So many of it are let into the queue, or run, at once; null: all.
      parallel integer check (parallel > 0),
      submitted_by uuid references "user" on delete set null,
      created_at timestamptz not null default now(),
      foreign key (organization_id, cluster_id) references cluster (organization_id, id) on delete cascade
    );
    create index deployment_array_list on deployment_array (organization_id, created_at, id);
    create index deployment_array_cluster on deployment_array (cluster_id);

    alter table deployment
      add column array_id uuid references deployment_array,
      -- From 0.
      add column array_index integer check (array_index >= 0),
      add column array_count integer check (array_count > array_index),
      -- True where it waits for others of its array to end.
      add column array_held boolean not null default false check (not array_held or array_id is not null),
      -- Of its dependencies, those that are not met yet.
      add column unmet_dependencies integer not null default 0 check (unmet_dependencies >= 0),
      -- The planner does not know of it, though it is queued.
      add column held boolean not null generated always as (unmet_dependencies > 0 or array_held) stored,
      -- Which dependencies led to its being skipped, the first cause first (src/core/dependencies.ts).
      add column skip_chain jsonb,
      add constraint deployment_in_array check ((array_id is null) = (array_index is null) and (array_id is null) = (array_count is null)),
      add constraint deployment_held_does_not_run check (not held or status not in ('starting', 'running', 'stopping'));
    create unique index deployment_array_element on deployment (array_id, array_index) where array_id is not null;
    create index deployment_array_open on deployment (array_id)
      where array_id is not null and status in ('queued', 'starting', 'running', 'stopping');
    create index deployment_array_held on deployment (array_id, array_index) where array_held and status = 'queued';
    create index deployment_waiting on deployment (id) where unmet_dependencies > 0 and status = 'queued';
    -- What a name means: the newest that has it.
    create index deployment_name on deployment (organization_id, name, created_at, id);

    -- One row for each thing that a deployment waits for: another deployment, or all of an array. Where that is deleted the row
    -- stays, and refers to nothing.
    create table dependency (
      deployment_id uuid not null references deployment on delete cascade,
      position smallint not null,
      upstream_id uuid references deployment on delete set null,
      upstream_array_id uuid references deployment_array on delete set null,
      -- As it was called: for people, also when it is gone.
      upstream_name text not null,
      condition text not null check (condition in ('succeeded', 'failed', 'any')),
      state text not null default 'waiting' check (state in ('waiting', 'met', 'broken')),
      primary key (deployment_id, position),
      check (upstream_id is null or upstream_array_id is null),
      check (upstream_id <> deployment_id)
    );
    create index dependency_upstream on dependency (upstream_id) where upstream_id is not null;
    create index dependency_upstream_array on dependency (upstream_array_id) where upstream_array_id is not null;
  `)
    .execute(db);
}
