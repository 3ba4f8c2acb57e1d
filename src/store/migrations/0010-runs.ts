import { type Kysely, sql } from 'kysely';

/**
 * Runs of a replica, and what starts the next one: the restart policy of services, and the retries of jobs.
 *
 * The row of a replica is its latest run. What became of the runs before it is kept beside it (the latest of them), each with
 * its log, until it is cleaned up and long past.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table deployment
      -- Of a job: { limit, on, exit_codes }; null: an attempt that failed is not repeated.
      add column retry jsonb,
      add column retries_used integer not null default 0 check (retries_used >= 0),
      -- Of a service: { policy, max_restarts }; null: its replicas are not started again.
      add column restart jsonb,
      -- Null: the one that its image names.
      add column stop_signal text;

    alter table replica drop constraint replica_status_check;
    alter table replica
      add constraint replica_status_check check (status in ('starting', 'running', 'restarting', 'ended')),
      add column run integer not null default 1 check (run > 0),
      -- How often the restart policy started it again: in this attempt, and in a row.
      add column restarts integer not null default 0,
      add column restarts_in_row integer not null default 0,
      add column next_start_at timestamptz,
      -- When its status last changed: the sweep looks for those that are stuck.
      add column changed_at timestamptz not null default now(),
      add constraint replica_waits_for_its_start check ((status = 'restarting') = (next_start_at is not null));
    create index replica_next_start on replica (next_start_at) where status = 'restarting';
    create index replica_starting on replica (changed_at) where status = 'starting';

    create table replica_run (
      deployment_id uuid not null,
      attempt integer not null,
      index integer not null,
      run integer not null,
      -- Where its container is; null: on the installation's own engine.
      engine_id uuid,
      container_id text,
      exit_code integer,
      out_of_memory boolean not null,
      reason_code text,
      reason text,
      started_at timestamptz,
      finished_at timestamptz,
      cleaned boolean not null default false,
      primary key (deployment_id, attempt, index, run),
      foreign key (deployment_id, attempt, index) references replica on delete cascade
    );
    create index replica_run_uncleaned on replica_run (finished_at) where not cleaned;

    alter table replica_log add column run integer not null default 1;
    alter table replica_log drop constraint replica_log_pkey;
    alter table replica_log add primary key (deployment_id, attempt, index, run);
  `)
    .execute(db);
}
