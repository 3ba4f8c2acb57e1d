/** Begins the next run of replicas whose time has come, as what they are to be and where they are to be. */
import { sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import type { PlacementColumn } from './tables.ts';

export interface StartedAgain {
  readonly id: string;
  readonly attempt: number;
}

/** As many as one sweep begins. */
const startsAtOnce = 500;

/**
 * Rows that somebody else holds are left to the next sweep. Returns the deployments that have a replica to start. Locks
 * deployments by id, then nodes by id, as observations do.
 */
export async function startDueRuns(db: Database): Promise<StartedAgain[]> {
  return db.transaction().execute(async (tx) => {
    const { rows: due } = await sql<{ id: string }>`
      select d.id from deployment d
       where d.status in ('starting', 'running')
         and d.id in (select deployment_id from replica where status = 'restarting' and next_start_at <= now()
                       order by next_start_at limit ${startsAtOnce})
       order by d.id for update skip locked`.execute(tx);
    if (due.length === 0) return [];
    const ids = due.map(({ id }) => id);
    await moveAllocations(tx, ids);
    const { rows } = await sql<StartedAgain>`
      with begun as (
        update replica r
           set status = 'starting', run = r.run + 1, next_start_at = null, changed_at = now(), container_id = null, ports = '[]',
               exit_code = null, out_of_memory = false, reason_code = null, reason = null, started_at = null, finished_at = null,
               health = null, health_since = null, health_message = null,
               revision = coalesce(r.next_revision, r.revision), next_revision = null, next_placement = null,
               node_id = coalesce((r.next_placement ->> 'node_id')::uuid, r.node_id),
               node_name = coalesce(r.next_placement ->> 'node_name', r.node_name),
               engine_id = case when r.next_placement is null then r.engine_id else
                 (select n.engine_id from node n where n.id = (r.next_placement ->> 'node_id')::uuid) end,
               devices = case when r.next_placement is null then r.devices else
                 coalesce((select jsonb_agg(jsonb_build_object('index', i.value, 'amount', a.value) order by i.ordinality)
                             from jsonb_array_elements(r.next_placement -> 'device_indexes') with ordinality i
                             join jsonb_array_elements(r.next_placement -> 'device_amounts') with ordinality a using (ordinality)), '[]') end
          from deployment d
         where d.id = any(${ids}::uuid[]) and r.deployment_id = d.id and r.attempt = d.attempt
           and r.status = 'restarting' and r.next_start_at <= now()
        returning r.deployment_id, r.attempt
      )
      select distinct deployment_id as id, attempt from begun order by 1`.execute(tx);
    return rows;
  });
}

interface Move {
  deployment_id: string;
  cluster_id: string;
  attempt: number;
  index: number;
  next_placement: PlacementColumn;
  host_ports: string[] | null;
}

/** What they held, and what was held for them beside that, becomes what they need now: together it was never less. */
async function moveAllocations(tx: InTransaction, ids: readonly string[]): Promise<void> {
  const { rows: moves } = await sql<Move>`
    select r.deployment_id, d.cluster_id, r.attempt, r.index, r.next_placement,
           (select a.host_ports from allocation a where a.deployment_id = r.deployment_id and a.replica = r.index and not a.next) as host_ports
      from replica r join deployment d on d.id = r.deployment_id and d.attempt = r.attempt
     where d.id = any(${[...ids]}::uuid[]) and r.status = 'restarting' and r.next_start_at <= now() and r.next_placement is not null
     order by r.deployment_id, r.index`.execute(tx);
  if (moves.length === 0) return;
  const records = JSON.stringify(moves.map(({ next_placement, ...move }) => ({ ...move, ...next_placement })));
  const columns = sql`deployment_id uuid, cluster_id uuid, attempt int, index int, node_id uuid, ram int, cpu int, gpu int,
             device_indexes int[], device_amounts int[], host_ports text[]`;
  await sql`
    select 1 from node where id in (
      select a.node_id from allocation a join json_to_recordset(${records}::json) as m(${columns})
          on a.deployment_id = m.deployment_id and a.replica = m.index
       union select m.node_id from json_to_recordset(${records}::json) as m(${columns}))
     order by id for no key update`.execute(tx);
  await sql`
    delete from allocation a using json_to_recordset(${records}::json) as m(${columns})
     where a.deployment_id = m.deployment_id and a.replica = m.index`.execute(tx);
  await sql`
    insert into allocation (deployment_id, replica, attempt, cluster_id, node_id, ram, cpu, gpu, device_indexes, device_amounts, host_ports)
    select deployment_id, index, attempt, cluster_id, node_id, ram, cpu, gpu, device_indexes, device_amounts, coalesce(host_ports, '{}')
      from json_to_recordset(${records}::json) as m(${columns})`.execute(tx);
}
