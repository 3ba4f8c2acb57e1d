/** What replicas were seen to use. */
import { sql } from 'kysely';
import type { Usage } from '../runtimes/seeing-in.ts';
import type { Database } from './database.ts';
import type { RuntimeKind } from './tables.ts';

/** Those whose use can be looked at now. On behalf of nobody, and so across organizations. */
export interface RunningReplica {
  readonly deploymentId: string;
  readonly clusterId: string;
  readonly attempt: number;
  readonly replica: number;
  readonly run: number;
  readonly runtime: RuntimeKind;
  /** Where its container is; null: on the installation's own engine. */
  readonly engineId: string | null;
}

export async function readRunningReplicas(db: Database): Promise<RunningReplica[]> {
  const { rows } = await sql<RunningReplica>`
    select r.deployment_id as "deploymentId", d.cluster_id as "clusterId", r.attempt, r.index as replica, r.run, c.runtime,
           r.engine_id as "engineId"
      from deployment d join replica r on r.deployment_id = d.id and r.attempt = d.attempt join cluster c on c.id = d.cluster_id
     where d.status in ('starting', 'running', 'stopping') and r.status = 'running' and c.runtime_reachable
     order by r.deployment_id, r.index`.execute(db);
  return rows;
}

export interface SeenUsage {
  readonly deploymentId: string;
  readonly attempt: number;
  readonly replica: number;
  readonly usage: Usage;
}

/**
 * Writes down what was seen, each with its replica. Looks that are older than what is written already change nothing, so that a
 * counter that is lower than before is one that began anew: its container did.
 */
export async function recordUsage(db: Database, seen: readonly SeenUsage[]): Promise<void> {
  if (seen.length === 0) return;
  const records = JSON.stringify(
    seen.map(({ deploymentId, attempt, replica, usage }) => ({
      deployment_id: deploymentId,
      attempt,
      index: replica,
      ram: usage.ram,
      cpu_ms: usage.cpuMs,
      at_ms: usage.at,
    })),
  );
  // Whoever else holds a row of these has more to say of it: it is seen again soon, and nobody waits in a circle.
  await sql`
    with seen as (
      select s.* from json_to_recordset(${records}::json) as s(deployment_id uuid, attempt int, index int, ram int, cpu_ms bigint,
               at_ms double precision)
        join replica r on r.deployment_id = s.deployment_id and r.attempt = s.attempt and r.index = s.index
       where r.seen_at is null or r.seen_at < to_timestamp(s.at_ms / 1000)
       for no key update of r skip locked)
    update replica r
       set peak_ram = greatest(r.peak_ram, s.ram), cpu_counter_ms = s.cpu_ms, seen_at = to_timestamp(s.at_ms / 1000),
           cpu_ms = coalesce(r.cpu_ms, 0) + s.cpu_ms - case when r.cpu_counter_ms <= s.cpu_ms then r.cpu_counter_ms else 0 end
      from seen s
     where r.deployment_id = s.deployment_id and r.attempt = s.attempt and r.index = s.index`.execute(db);
}
