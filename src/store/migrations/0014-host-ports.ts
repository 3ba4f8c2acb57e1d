import { type Kysely, sql } from 'kysely';

/**
 * Fixed host ports are known to the planner: they tell requests apart, and so are part of `shape`; and who has which is a table of its
 * own, of which no two rows can name the same port of a machine. Rewrites the table of deployments, once.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table deployment drop column shape;
    drop function deployment_shape(numeric, numeric, numeric, integer, smallint, integer, text, numeric, integer, text[], jsonb);

    -- "tcp/8080,udp/53", in order; most deployments have none, and cost a comparison.
    create function fixed_host_ports(ports jsonb) returns text language plpgsql immutable parallel safe as $$
    begin
      if ports = '[]'::jsonb then return ''; end if;
      return coalesce((select string_agg(port, ',' order by port collate "C")
                         from (select (p ->> 'protocol') || '/' || (p ->> 'host') as port
                                 from jsonb_array_elements(ports) p where p ->> 'host' is not null) fixed), '');
    end $$;

    -- As in 0003, with the host ports at its end.
    create function deployment_shape(ram numeric, cpu numeric, gpu numeric, replicas integer, priority smallint, longest_s integer,
                                     kind text, gpu_memory numeric, max_per_node integer, gpu_models text[], node_labels jsonb, ports jsonb)
      returns text language plpgsql immutable parallel safe as $$
    begin
      return ram || '|' || cpu || '|' || gpu || '|' || replicas || '|' || priority || '|' || coalesce(longest_s::text, '')
             || '|' || kind || '|' || gpu_memory || '|' || coalesce(max_per_node::text, '')
             || '|' || array_to_string(gpu_models, chr(31)) || chr(30) || node_labels || chr(30) || fixed_host_ports(ports);
    end $$;

    alter table deployment add column shape text not null generated always as
      (deployment_shape(ram_required, cpu_required, gpu_required, replicas, priority, time_limit_s + stop_grace_s,
                        kind, gpu_memory_required, max_per_node, gpu_models, node_labels, ports)) stored;

    -- The machine whose ports the containers of a node take: all Docker nodes of an installation are on one engine; a simulated
    -- node is a machine of its own.
    create function machine_of_node(node_id uuid) returns text language sql stable as $$
      select case c.runtime when 'docker' then 'docker' else n.id::text end
        from node n join cluster c on c.id = n.cluster_id where n.id = node_id
    $$;

    -- "tcp/8080": the host ports that the replica has, for as long as it holds anything.
    alter table allocation add column host_ports text[] not null default '{}';

    create table port_claim (
      machine text not null,
      port text not null,
      deployment_id uuid not null,
      replica integer not null,
      cluster_id uuid not null,
      primary key (machine, port)
    );
    create index port_claim_allocation on port_claim (deployment_id, replica);

    -- Follows the allocations: a port is had exactly as long as its allocation is there, and never by two.
    create function allocation_ports() returns trigger language plpgsql as $$
    begin
      if not exists (select 1 from changed where host_ports <> '{}') then return null; end if;
      if tg_op = 'INSERT' then
        insert into port_claim (machine, port, deployment_id, replica, cluster_id)
        select machine_of_node(c.node_id), p.port, c.deployment_id, c.replica, c.cluster_id
          from changed c, unnest(c.host_ports) as p(port) order by 1, 2;
      else
        delete from port_claim p using changed c
         where c.host_ports <> '{}' and p.deployment_id = c.deployment_id and p.replica = c.replica
           and p.machine = machine_of_node(c.node_id) and p.port = any(c.host_ports);
      end if;
      return null;
    end $$;

    -- What runs already has the ports that it was started with: of two that were given the same, the engine has let one start.
    alter table allocation disable trigger allocation_updated;
    update allocation a set host_ports = string_to_array(fixed_host_ports(d.ports), ',')
      from deployment d where d.id = a.deployment_id and fixed_host_ports(d.ports) <> '';
    alter table allocation enable trigger allocation_updated;
    insert into port_claim (machine, port, deployment_id, replica, cluster_id)
    select machine_of_node(a.node_id), p.port, a.deployment_id, a.replica, a.cluster_id
      from allocation a, unnest(a.host_ports) as p(port) order by a.created_at
    on conflict do nothing;

    create trigger allocation_ports_claimed after insert on allocation
      referencing new table as changed for each statement execute function allocation_ports();
    create trigger allocation_ports_freed after delete on allocation
      referencing old table as changed for each statement execute function allocation_ports();
  `)
    .execute(db);
}
