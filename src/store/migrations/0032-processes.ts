import { type Kysely, sql } from 'kysely';

/**
 * Several processes share an installation. `process` says which ones there are, each with the connection by which it is known to live;
 * `lease` who may do what only one may do at a time. The fence grows with every change of hands: what an earlier holder still wants to
 * commit is told by it. A pass that somebody asks another process for is a row of `pass_request` until it is answered.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    create table process (
      id uuid primary key,
      role text not null check (role in ('all', 'api', 'scheduler', 'worker')),
      host text not null,
      pid integer not null,
      backend_pid integer not null,
      backend_start timestamptz not null,
      started_at timestamptz not null default now(),
      seen_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table lease (
      name text primary key,
      process_id uuid,
      fence bigint not null default 0,
      expires_at timestamptz not null default '-infinity'
    )`.execute(db);
  await sql`
    create table pass_request (
      id uuid primary key,
      cluster_id uuid not null references cluster (id) on delete cascade,
      requested_at timestamptz not null default now(),
      answered_at timestamptz,
      answer text,
      error text
    )`.execute(db);
  await sql`create index on pass_request (cluster_id)`.execute(db);
  // Simulated containers that several processes share (src/runtimes/simulated-shared.ts).
  await sql`
    create table simulated_container (
      cluster_id uuid not null,
      deployment_id uuid not null,
      attempt integer not null,
      replica integer not null,
      run integer not null,
      behaviour jsonb not null,
      exit_code integer not null,
      started_at timestamptz not null,
      ends_at timestamptz,
      ended_at timestamptz,
      primary key (deployment_id, attempt, replica, run)
    )`.execute(db);
  await sql`create index on simulated_container (least(ended_at, ends_at))`.execute(db);
}
