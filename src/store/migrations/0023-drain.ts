import { type Kysely, sql } from 'kysely';

/** Draining nodes: what runs there leaves, at the latest at a deadline. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table node
      add column draining_since timestamptz,
      -- When jobs are stopped that have not finished; null: they may take as long as they take.
      add column drain_deadline timestamptz,
      add column drain_jobs text check (drain_jobs in ('finish', 'stop')),
      -- When nothing was left on it.
      add column drained_at timestamptz,
      add constraint node_drain check (case when draining_since is null
        then drain_deadline is null and drain_jobs is null and drained_at is null
        else drain_jobs is not null and not schedulable end);
    create index node_draining on node (id) where draining_since is not null;

    -- One more intent, whatever others there are by now.
    do $$
    declare definition text;
    begin
      select pg_get_constraintdef(oid) into strict definition
        from pg_constraint where conrelid = 'deployment'::regclass and conname = 'deployment_stop_intent_check';
      alter table deployment drop constraint deployment_stop_intent_check;
      execute 'alter table deployment add constraint deployment_stop_intent_check '
        || replace(definition, 'ARRAY[', 'ARRAY[''drained''::text, ');
    end $$;
  `)
    .execute(db);
}
