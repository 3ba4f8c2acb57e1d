/** What is left to be cleaned up of runs that have ended. Not on behalf of a person, and so across organizations. */
import { sql } from 'kysely';
import type { ContainerKey } from '../runtimes/runtime.ts';
import type { Database } from './database.ts';
import type { RuntimeKind } from './tables.ts';

/** One attempt of a deployment. */
export interface Attempt {
  readonly deploymentId: string;
  readonly attempt: number;
}

export interface EndedRun extends ContainerKey {
  readonly runtime: RuntimeKind;
  /** Where its container is; null: on the installation's own engine. */
  readonly engineId: string | null;
  /** Whether its deployment has a network of its own. */
  readonly hasNetwork: boolean;
}

/** Runs of these attempts that have ended and are not cleaned up. */
export async function readEndedRuns(db: Database, attempts: readonly Attempt[]): Promise<EndedRun[]> {
  if (attempts.length === 0) return [];
  const { rows } = await sql<EndedRun>`
    with asked as materialized (
      select distinct * from json_to_recordset(${JSON.stringify(attempts)}::json) as a("deploymentId" uuid, attempt int)
    )
    select d.cluster_id as "clusterId", d.id as "deploymentId", e.attempt, e.index as replica, e.run, c.runtime, e.engine_id as "engineId",
           d.network = 'private' as "hasNetwork"
      from asked a
      join lateral (
        select r.attempt, r.index, r.run, r.engine_id from replica r
         where r.deployment_id = a."deploymentId" and r.attempt = a.attempt and r.status = 'ended' and not r.cleaned
        union
        select r.attempt, r.index, r.run, r.engine_id from replica_run r
         where r.deployment_id = a."deploymentId" and r.attempt = a.attempt and not r.cleaned
      ) e on true
      join deployment d on d.id = a."deploymentId" join cluster c on c.id = d.cluster_id
     order by d.id, e.attempt, e.index, e.run`.execute(db);
  return rows;
}

/** Marks runs as cleaned up: their logs are kept, their containers are gone. */
export async function markCleaned(
  db: Database,
  runs: readonly Pick<ContainerKey, 'deploymentId' | 'attempt' | 'replica' | 'run'>[],
): Promise<void> {
  if (runs.length === 0) return;
  // Rows are locked in one order: two batches may hold the same runs.
  await sql`
    with gone as materialized (
      select * from json_to_recordset(${JSON.stringify(runs)}::json) as g("deploymentId" uuid, attempt int, replica int, run int)
    ), before as materialized (
      select r.ctid as at from replica_run r join gone g
          on r.deployment_id = g."deploymentId" and r.attempt = g.attempt and r.index = g.replica and r.run = g.run
       order by r.deployment_id, r.attempt, r.index, r.run for no key update of r
    ), past as (
      update replica_run r set cleaned = true from before where r.ctid = before.at
    ), last as materialized (
      select r.ctid as at from replica r join gone g
          on r.deployment_id = g."deploymentId" and r.attempt = g.attempt and r.index = g.replica and r.run = g.run
       where r.status = 'ended' order by r.deployment_id, r.attempt, r.index for no key update of r
    )
    update replica r set cleaned = true from last where r.ctid = last.at`.execute(db);
}
