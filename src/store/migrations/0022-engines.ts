import { type Kysely, sql } from 'kysely';

/** Engines beside the installation's own: where the containers of a node run, and whether that can be reached. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table engine (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      name text not null,
      -- unix:///path, tcp://host:port or ssh://user@host:port
      address text not null,
      -- Certificates and keys, as JSON; AES-256-GCM, the key is outside of the database. Null where there are none.
      credentials_encrypted bytea,
      -- Null until somebody has looked.
      reachable boolean,
      message text,
      since timestamptz not null default now(),
      -- What its machine was found to have, in thousandths; null until it was asked.
      ram integer,
      cpu integer,
      -- What it says about itself: arch, os, docker_version.
      labels jsonb not null default '{}',
      version integer not null default 1,
      created_at timestamptz not null default now(),
      constraint engine_name unique (organization_id, name),
      constraint engine_address unique (organization_id, address)
    );

    alter table node
      -- Null: the installation's own engine of the cluster's runtime.
      add column engine_id uuid references engine,
      -- As its engine was seen last. Nothing new is placed where it does not answer.
      add column reachable boolean not null default true,
      add column unreachable_since timestamptz,
      add column engine_message text,
      add constraint node_unreachable_since check (reachable = (unreachable_since is null));
    create index node_engine on node (engine_id);
    create trigger node_reached after update of reachable, engine_id on node
      for each row execute function node_changed();

    -- Nodes on one engine are one machine: they share its host ports.
    create or replace function machine_of_node(node_id uuid) returns text language sql stable as $$
      select case c.runtime when 'docker' then coalesce(n.engine_id::text, 'docker') else n.id::text end
        from node n join cluster c on c.id = n.cluster_id where n.id = node_id
    $$;

    -- Where its container is, also when its node is gone.
    alter table replica add column engine_id uuid references engine on delete set null;
    create index replica_engine on replica (engine_id) where status <> 'ended' or not cleaned;

    -- As long as Kubernetes leaves pods on a node that does not answer.
    alter table cluster add column lost_after_s double precision not null default 300 check (lost_after_s >= 0);

    update node n set reachable = false, unreachable_since = now(), engine_message = c.runtime_message
      from cluster c where c.id = n.cluster_id and not c.runtime_reachable;
  `)
    .execute(db);
}
