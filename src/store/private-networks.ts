import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { Attempt } from './ended-runs.ts';

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

/** Which of the attempts have a network of their own whose last container is gone, so that it can go as well. */
export async function attemptsWithUnusedNetworks(db: Database, attempts: readonly Attempt[]): Promise<Attempt[]> {
  if (attempts.length === 0) return [];
  const { rows } = await sql<Attempt>`
    select a."deploymentId", a.attempt
      from json_to_recordset(${JSON.stringify(attempts)}::json) as a("deploymentId" uuid, attempt int)
      join deployment d on d.id = a."deploymentId"
     where d.network = 'private'
       and not exists (select 1 from replica r where r.deployment_id = d.id and r.attempt = a.attempt and not r.cleaned)
     order by 1, 2`.execute(db);
  return rows;
}
