import { type Kysely, sql } from 'kysely';

/** Schedules: what is submitted again and again, by the clock of the database; and what came of each time. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table schedule (
      id uuid primary key,
      organization_id uuid not null,
      cluster_id uuid not null,
      name text not null,
      -- Five fields, or a word like @daily (src/cron.ts).
      cron text not null,
      -- Of the IANA database.
      time_zone text not null,
      overlap text not null check (overlap in ('allow', 'forbid', 'replace')),
      missed text not null check (missed in ('skip', 'run_once', 'run_all')),
      missed_max integer not null check (missed_max > 0),
      -- What is submitted: the body of POST /deployments.
      deployment jsonb not null,
      paused boolean not null default false,
      -- Null: it is paused, or its time never comes again.
      next_at timestamptz,
      created_by uuid references "user" on delete set null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      version integer not null default 1,
      foreign key (organization_id, cluster_id) references cluster (organization_id, id) on delete cascade,
      constraint schedule_paused_is_not_due check (not paused or next_at is null)
    );
    create unique index schedule_name on schedule (organization_id, lower(name));
    create index schedule_list on schedule (organization_id, created_at, id);
    create index schedule_cluster on schedule (cluster_id);
    create index schedule_due on schedule (next_at) where next_at is not null;

    alter table deployment add column schedule_id uuid references schedule on delete set null;
    create index deployment_schedule on deployment (schedule_id, created_at, id) where schedule_id is not null;

    create table schedule_run (
      id uuid primary key,
      schedule_id uuid not null references schedule on delete cascade,
      due_at timestamptz not null,
      cause text not null check (cause in ('schedule', 'person')),
      outcome text not null check (outcome in ('submitted', 'overlapped', 'missed', 'refused')),
      message text not null,
      -- The first of an array.
      deployment_id uuid references deployment on delete set null,
      created_at timestamptz not null default now()
    );
    -- Each time is acted upon once, whoever looks at the clock, and wherever that jumps.
    create unique index schedule_run_once on schedule_run (schedule_id, due_at) where cause = 'schedule';
    create index schedule_run_list on schedule_run (schedule_id, created_at, id);
    create index schedule_run_deployment on schedule_run (deployment_id) where deployment_id is not null;
  `)
    .execute(db);
}
