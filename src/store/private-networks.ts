import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { RuntimeKind } from './tables.ts';

interface Attempt {
  readonly deploymentId: string;
  readonly attempt: number;
}

/** Which of the attempts still have, or may yet get, containers: those with a replica that is not cleaned up. */
export async function attemptsWithContainers(db: Database, attempts: readonly Attempt[]): Promise<Attempt[]> {
  if (attempts.length === 0) return [];
  const { rows } = await sql<Attempt>`
    select distinct r.deployment_id as "deploymentId", r.attempt
      from replica r join json_to_recordset(${JSON.stringify(attempts)}::json) as a("deploymentId" uuid, attempt int)
        on a."deploymentId" = r.deployment_id and a.attempt = r.attempt
     where not r.cleaned order by 1, 2`.execute(db);
  return rows;
}

/** Where the network of an attempt is, once the last of its replicas is cleaned up; null before, or where it had none. */
export async function networkToRemove(
  db: Database,
  deploymentId: string,
  attempt: number,
): Promise<{ clusterId: string; runtime: RuntimeKind } | null> {
  const { rows } = await sql<{ clusterId: string; runtime: RuntimeKind }>`
    select d.cluster_id as "clusterId", c.runtime from deployment d join cluster c on c.id = d.cluster_id
     where d.id = ${deploymentId} and d.network = 'private'
       and not exists (select 1 from replica r where r.deployment_id = d.id and r.attempt = ${attempt} and not r.cleaned)`.execute(
    db,
  );
  return rows[0] ?? null;
}
