import { type Kysely, sql } from 'kysely';

/** Volumes are on an engine each: where their data is, and so where those may run who use them. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    alter table volume
      -- Null: the installation's own engine. No deletion of an engine takes its volumes along.
      add column engine_id uuid references engine;
    create index volume_engine on volume (engine_id);

    -- Until now a volume was wherever something used it. It stays where it was used last; one that nobody used yet is on the
    -- installation's own engine, where its cluster has a node there.
    update volume v set engine_id = (
      select place.engine_id from (
        select r.engine_id, r.started_at, 0 as rank from deployment d join replica r on r.deployment_id = d.id
         where d.cluster_id = v.cluster_id and d.volumes @> jsonb_build_array(jsonb_build_object('name', v.name))
           and r.started_at is not null
         union all
        select n.engine_id, null, 1 from node n where n.cluster_id = v.cluster_id) place
       order by place.rank, place.started_at desc, place.engine_id nulls first limit 1)
     where exists (select 1 from node n where n.cluster_id = v.cluster_id and n.engine_id is not null);

    -- Where volumes are is part of what the planner knows of nodes, and of those who wait for them. That is read anew: volumes come and
    -- go seldom.
    create trigger volume_inserted after insert on volume
      referencing new table as changed for each statement execute function nodes_changed();
    create trigger volume_deleted after delete on volume
      referencing old table as changed for each statement execute function nodes_changed();
    create trigger volume_updated after update of name, engine_id, deleting on volume
      for each row execute function node_changed();

    -- Why something waits for the engine of its volumes is said by its name.
    create function engine_renamed() returns trigger language plpgsql as $$
    begin
      insert into planner_change (cluster_id, deployment_id)
      select distinct cluster_id, '00000000-0000-0000-0000-000000000000'::uuid from volume where engine_id = new.id
      on conflict do nothing;
      return null;
    end $$;
    create trigger engine_renamed after update of name on engine for each row execute function engine_renamed();
  `)
    .execute(db);
}
