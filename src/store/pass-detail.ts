/** Whom a pass admitted, and who waited and why. */
import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { PassRow } from './passes.ts';
import type { Scope } from './scope.ts';

/** One that waited, as it is stored and told. */
interface WaitingRecord {
  readonly deployment_id: string;
  readonly position: number;
  readonly priority: number;
  readonly effective_priority: number;
  readonly reason: string;
  readonly message: string;
}

export interface WaitingDetail {
  /** The first of them, in order. */
  readonly waiting: readonly WaitingRecord[];
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  readonly counted: number;
}

interface AdmissionRow {
  readonly deployment_id: string;
  readonly nodes: string[];
  readonly priority: number;
  readonly effective_priority: number;
  readonly position: number;
  readonly promoted: boolean;
  readonly backfilled: boolean;
}

export interface PassDetailRow extends PassRow {
  readonly admissions: readonly AdmissionRow[];
  /** Null: it is not kept any more. */
  readonly detail: WaitingDetail | null;
}

/** Null where there is none in this organization. */
export async function readPass(db: Database, scope: Scope, id: string): Promise<PassDetailRow | null> {
  const row = await db
    .selectFrom('pass')
    .selectAll()
    .select(sql<string>`''`.as('created_at_exact'))
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { rows: admissions } = await sql<AdmissionRow>`
    select e.deployment_id, e.data -> 'nodes' as nodes, (e.data ->> 'priority')::int as priority,
           (e.data ->> 'effective_priority')::int as effective_priority, (e.data ->> 'position')::int as position,
           (e.data ->> 'promoted')::boolean as promoted, (e.data ->> 'backfilled')::boolean as backfilled
      from event e
     where e.cluster_id = ${row.cluster_id} and e.tx = ${row.tx}::xid8 and e.organization_id = ${scope.organizationId}
       and e.type = 'deployment.admitted'
     order by position, e.id`.execute(db);
  const detail = await db
    .selectFrom('pass_waiting')
    .select(['waiting', 'reasons', 'counted'])
    .where('pass_id', '=', id)
    .executeTakeFirst();
  return { ...row, admissions, detail: detail ?? null };
}

/** What is told of a pass after a week is that it took place, and whom it admitted. */
export async function removeOldDetail(db: Database): Promise<void> {
  await sql`delete from pass_waiting where created_at < now() - interval '7 days'`.execute(db);
}
