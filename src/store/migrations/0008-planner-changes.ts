import { type Kysely, sql } from 'kysely';

/**
 * What has changed that a planner with a memory must look at again: ids, and no more. Written by triggers, so that nothing that
 * changes a deployment, an allocation or a node can forget it, and in the same transaction.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table planner_change (
      cluster_id uuid not null,
      tx xid8 not null default pg_current_xact_id(),
      -- All zeros: the nodes of the cluster.
      deployment_id uuid not null,
      -- One transaction says a thing once.
      primary key (cluster_id, tx, deployment_id)
    );
    -- It is small, and most of it is gone a minute later.
    alter table planner_change set (autovacuum_vacuum_scale_factor = 0.5, autovacuum_vacuum_threshold = 5000);
    create index planner_change_age on planner_change (tx);

    create function deployments_changed() returns trigger language plpgsql as $$
    begin
      insert into planner_change (cluster_id, deployment_id) select cluster_id, id from changed on conflict do nothing;
      return null;
    end $$;
    create trigger deployment_inserted after insert on deployment
      referencing new table as changed for each statement execute function deployments_changed();
    create trigger deployment_deleted after delete on deployment
      referencing old table as changed for each statement execute function deployments_changed();

    -- No nested loops: a plan is made for the first few rows that come, and kept for twenty thousand.
    create function deployments_updated() returns trigger language plpgsql set enable_nestloop = off as $$
    begin
      -- Of reasons, exit codes and versions the planner knows nothing.
      insert into planner_change (cluster_id, deployment_id)
      select n.cluster_id, n.id from was o join changed n using (id)
       where (o.status, o.shape, o.priority, o.queued_at, o.started_at) is distinct from (n.status, n.shape, n.priority, n.queued_at, n.started_at)
      on conflict do nothing;
      return null;
    end $$;
    create trigger deployment_updated after update on deployment
      referencing old table as was new table as changed for each statement execute function deployments_updated();

    create function allocations_changed() returns trigger language plpgsql as $$
    begin
      insert into planner_change (cluster_id, deployment_id) select distinct cluster_id, deployment_id from changed
      on conflict do nothing;
      return null;
    end $$;
    create trigger allocation_noted after insert on allocation
      referencing new table as changed for each statement execute function allocations_changed();
    create trigger allocation_freed_noted after delete on allocation
      referencing old table as changed for each statement execute function allocations_changed();

    create function nodes_changed() returns trigger language plpgsql as $$
    begin
      insert into planner_change (cluster_id, deployment_id)
      select distinct cluster_id, '00000000-0000-0000-0000-000000000000'::uuid from changed on conflict do nothing;
      return null;
    end $$;
    create trigger node_inserted after insert on node
      referencing new table as changed for each statement execute function nodes_changed();
    create trigger node_deleted after delete on node
      referencing old table as changed for each statement execute function nodes_changed();

    create function devices_changed() returns trigger language plpgsql set enable_nestloop = off as $$
    begin
      insert into planner_change (cluster_id, deployment_id)
      select distinct n.cluster_id, '00000000-0000-0000-0000-000000000000'::uuid from changed c join node n on n.id = c.node_id
      on conflict do nothing;
      return null;
    end $$;
    create trigger gpu_device_inserted after insert on gpu_device
      referencing new table as changed for each statement execute function devices_changed();
    create trigger gpu_device_deleted after delete on gpu_device
      referencing old table as changed for each statement execute function devices_changed();

    -- For the same reason this one always goes by the indexes, also where it first saw a cluster of one node.
    alter function allocation_counters() set enable_seqscan = off;

    -- Of these columns only: what is allocated changes with every allocation, and is noted there.
    create function node_changed() returns trigger language plpgsql as $$
    begin
      insert into planner_change (cluster_id, deployment_id) values (new.cluster_id, '00000000-0000-0000-0000-000000000000')
      on conflict do nothing;
      return null;
    end $$;
    create trigger node_updated after update of name, ram, cpu, gpu, schedulable, labels on node
      for each row execute function node_changed();

    create function device_changed() returns trigger language plpgsql as $$
    begin
      insert into planner_change (cluster_id, deployment_id)
      select cluster_id, '00000000-0000-0000-0000-000000000000' from node where id = new.node_id on conflict do nothing;
      return null;
    end $$;
    create trigger gpu_device_updated after update of model, memory_mib on gpu_device
      for each row execute function device_changed();
  `)
    .execute(db);
}
