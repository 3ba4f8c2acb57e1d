import { type Kysely, sql } from 'kysely';

/**
 * Swarms: a row of `engine` for the swarm itself, which is how its manager is reached, and one for each of its nodes, which come and go
 * with what the manager says. Containers are on those: all that is known of engines is known of them.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table engine
      add column kind text not null default 'docker' check (kind in ('docker', 'swarm', 'swarm_node')),
      -- Of a node: its swarm, and what that calls it.
      add column swarm_id uuid references engine on delete cascade,
      add column swarm_node_id text,
      -- Of a swarm: where the engines of its nodes are, as "tcp://{addr}:2376".
      add column node_address text,
      -- Of a node: whether the swarm places anything there, as it was seen last: active, pause, drain.
      add column availability text,
      add column hostname text,
      -- Of a node: its GPUs, by index, as {model, driver}.
      add column devices jsonb not null default '[]',
      add constraint engine_swarm_node check (
        (kind = 'swarm_node') = (swarm_id is not null) and (kind = 'swarm_node') = (swarm_node_id is not null));

    -- Where the manager is a node as well, both have its address.
    alter table engine drop constraint engine_address;
    create unique index engine_address on engine (organization_id, address) where kind <> 'swarm_node';
    create unique index engine_node_of_swarm on engine (swarm_id, swarm_node_id);

    alter table cluster drop constraint cluster_runtime_check;
    alter table cluster
      add constraint cluster_runtime_check check (runtime in ('docker', 'swarm', 'simulated')),
      add column swarm_id uuid references engine,
      add constraint cluster_swarm check ((runtime = 'swarm') = (swarm_id is not null));
    -- Two would each give away all of it.
    create unique index cluster_of_swarm on cluster (swarm_id);

    create or replace function machine_of_node(node_id uuid) returns text language sql stable as $$
      select case c.runtime when 'simulated' then n.id::text else coalesce(n.engine_id::text, 'docker') end
        from node n join cluster c on c.id = n.cluster_id where n.id = node_id
    $$;
  `)
    .execute(db);
}
