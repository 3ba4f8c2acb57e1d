import { type Kysely, sql } from 'kysely';

/** How clusters stood over time: what they had, what was allocated and used, and how long the queue was. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table cluster_sample (
      cluster_id uuid not null references cluster on delete cascade,
      -- For how long it stands, from \`at\` on: old ones are averages.
      step_s integer not null,
      at timestamptz not null,
      -- Amounts are sums in thousandths.
      ram bigint not null,
      cpu bigint not null,
      gpu bigint not null,
      ram_allocated bigint not null,
      cpu_allocated bigint not null,
      gpu_allocated bigint not null,
      -- Null: not known.
      ram_used bigint,
      cpu_used bigint,
      gpu_used bigint,
      queued double precision not null,
      running double precision not null,
      primary key (step_s, at, cluster_id)
    );
    create index cluster_sample_cluster on cluster_sample (cluster_id, at);
  `)
    .execute(db);
}
