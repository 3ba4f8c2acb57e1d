/**
 * Claims: the places that are kept for a queued deployment while others are being stopped for it. They are written where those
 * are told to stop (commit-preemptions.ts), and go with the reason for them: when their deployment leaves the queue or becomes
 * less important, when a node of theirs goes or is cordoned. Whatever is left over does not count, and the sweep removes it.
 */
import { sql } from 'kysely';
import type { Claim, Placement } from '../core/model.ts';
import type { Database, InTransaction } from './database.ts';

interface ClaimRow {
  deployment_id: string;
  placements: Placement[];
  victims: string[];
}

export async function readClaims(db: Database, clusterId: string): Promise<Claim[]> {
  const { rows } = await sql<ClaimRow>`
    select c.deployment_id, c.placements, c.victims
      from claim c join deployment d on d.id = c.deployment_id and d.attempt = c.attempt and d.status = 'queued'
     where c.cluster_id = ${clusterId} order by c.deployment_id`.execute(db);
  return rows.map(({ deployment_id: deploymentId, placements, victims }) => ({ deploymentId, placements, victims }));
}

export async function dropClaims(tx: InTransaction, deploymentIds: readonly string[]): Promise<void> {
  await sql`delete from claim where deployment_id = any(${[...deploymentIds]}::uuid[])`.execute(tx);
}

/** What was claimed there can't be had any more, or not for now: those that claimed it decide anew. */
export async function dropClaimsOnNode(tx: InTransaction, clusterId: string, nodeId: string): Promise<void> {
  await sql`
    delete from claim where cluster_id = ${clusterId} and placements @> ${JSON.stringify([{ nodeId }])}::jsonb`.execute(
    tx,
  );
}

/**
 * Removes what keeps room for nobody: claims of those that are not queued any more, and those that came to nothing although
 * everybody who was stopped for them is long gone. Returns how many.
 */
export async function removeStaleClaims(db: Database): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from claim c
     where not exists (select 1 from deployment d where d.id = c.deployment_id and d.attempt = c.attempt and d.status = 'queued')
        or (c.created_at < now() - interval '1 minute'
            and not exists (select 1 from deployment v where v.id = any(c.victims)
                               and (v.status = 'stopping' or v.changed_at > now() - interval '1 minute')))`.execute(db);
  return Number(numAffectedRows ?? 0);
}
