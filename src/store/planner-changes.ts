/**
 * What has changed in a cluster since somebody last looked (migrations/0008). As with events, numbers of transactions are handed out
 * before they commit: whoever looks goes on from the oldest transaction that still ran then, and may see a change twice, never miss one.
 */
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Everything of transactions before it was visible when it was read. */
export type ChangePosition = string;

export interface Changes {
  readonly position: ChangePosition;
  /** In no order that means anything: they are looked at again, one as the other. */
  readonly deploymentIds: readonly string[];
  /** A node was made, changed or taken away. */
  readonly nodes: boolean;
}

const nodesOf = '00000000-0000-0000-0000-000000000000';

export async function changesEnd(db: Database): Promise<ChangePosition> {
  const { rows } = await sql<{ position: string }>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as position`.execute(db);
  return rows[0]?.position ?? '0';
}

/** What has changed since a position, and where to go on. */
export async function readChanges(db: Database, clusterId: string, since: ChangePosition): Promise<Changes> {
  const { rows } = await sql<{ position: string; ids: string[] }>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as position,
           array(select distinct deployment_id::text from planner_change
                  where cluster_id = ${clusterId} and tx >= ${since}::xid8 order by 1) as ids`.execute(db);
  const { position, ids } = rows[0] ?? { position: since, ids: [] };
  return { position, deploymentIds: ids.filter((id) => id !== nodesOf), nodes: ids.includes(nodesOf) };
}

export async function haveNodesChanged(db: Database, clusterId: string, since: ChangePosition): Promise<boolean> {
  const { rows } = await sql`
    select 1 from planner_change
     where cluster_id = ${clusterId} and tx >= ${since}::xid8 and deployment_id = ${nodesOf}::uuid limit 1`.execute(db);
  return rows.length > 0;
}

/** Removes what nobody needs who has looked since that position. */
export async function removeChangesBefore(db: Database, position: ChangePosition): Promise<void> {
  await sql`delete from planner_change where tx < ${position}::xid8`.execute(db);
}
