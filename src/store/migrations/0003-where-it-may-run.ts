import { type Kysely, sql } from 'kysely';

/**
 * Labels of nodes, and what a deployment may say about where it runs: which labels a node must have, how much memory a GPU
 * device, how many of its replicas a node may take. All of it tells requests apart, and so is part of `shape`; so is the kind,
 * because a service does not come to an end by itself. Rewrites the table of deployments, once.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table node add column labels jsonb not null default '{}';

    alter table deployment
      drop column shape,
      -- Of each device, in GB; 0: any will do.
      add column gpu_memory_required numeric(12, 3) not null default 0 check (gpu_memory_required >= 0),
      add column node_labels jsonb not null default '{}',
      -- Null: any number of replicas.
      add column max_per_node integer check (max_per_node > 0);

    drop function deployment_shape(numeric, numeric, numeric, integer, text[], smallint, integer);

    -- Declared immutable for the generated column below: it depends on nothing but its arguments. Neither models nor labels
    -- hold control characters (JSON writes them otherwise), so that these keep them apart.
    create function deployment_shape(ram numeric, cpu numeric, gpu numeric, replicas integer, priority smallint, longest_s integer,
                                     kind text, gpu_memory numeric, max_per_node integer, gpu_models text[], node_labels jsonb)
      returns text language plpgsql immutable parallel safe as $$
    begin
      return ram || '|' || cpu || '|' || gpu || '|' || replicas || '|' || priority || '|' || coalesce(longest_s::text, '')
             || '|' || kind || '|' || gpu_memory || '|' || coalesce(max_per_node::text, '')
             || '|' || array_to_string(gpu_models, chr(31)) || chr(30) || node_labels;
    end $$;

    alter table deployment add column shape text not null generated always as
      (deployment_shape(ram_required, cpu_required, gpu_required, replicas, priority, time_limit_s + stop_grace_s,
                        kind, gpu_memory_required, max_per_node, gpu_models, node_labels)) stored;
  `)
    .execute(db);
}
