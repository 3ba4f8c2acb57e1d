/** Arrays: many deployments of one submission, each an element. What people do to all of them is in transitions.ts. */
import { sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Database } from './database.ts';
import { contains, type PageRequest, type TimeKey } from './keyset.ts';
import type { Scope } from './scope.ts';

export interface ArrayRow {
  readonly id: string;
  readonly organization_id: string;
  readonly cluster_id: string;
  readonly name: string;
  /** As many as were submitted. */
  readonly count: number;
  /** So many run, or are in the queue, at once; null: all. */
  readonly parallel: number | null;
  readonly submitted_by: string | null;
  readonly created_at: Date;
  readonly created_at_exact: string;
  /** Of its elements that there are, by status. */
  readonly counts: Readonly<Partial<Record<DeploymentStatus, number>>>;
}

export interface ArrayFilter {
  readonly clusterId?: string | undefined;
  /** A part of the name, in either case. */
  readonly name?: string | undefined;
  /** True: only those of which something is queued or active. */
  readonly open?: boolean | undefined;
}

const columns = sql`
  a.id, a.organization_id, a.cluster_id, a.name, a.count, a.parallel, a.submitted_by, a.created_at,
  to_char(a.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at_exact,
  (select coalesce(jsonb_object_agg(status, many), '{}')
     from (select d.status, count(*) as many from deployment d where d.array_id = a.id group by d.status) c) as counts`;

const isOpen = sql`exists (select 1 from deployment d
  where d.array_id = a.id and d.status in ('queued', 'starting', 'running', 'stopping'))`;

/** Null where there is none in this organization, or nothing is left of it. */
export async function readArray(db: Database, scope: Scope, id: string): Promise<ArrayRow | null> {
  const { rows } = await sql<ArrayRow>`
    select ${columns} from deployment_array a
     where a.organization_id = ${scope.organizationId} and a.id = ${id}
       and exists (select 1 from deployment d where d.array_id = a.id)`.execute(db);
  return rows[0] ?? null;
}

/** The latest first. */
export async function listArrays(
  db: Database,
  scope: Scope,
  { clusterId, name, open }: ArrayFilter,
  page: PageRequest<TimeKey>,
): Promise<ArrayRow[]> {
  const inCluster = clusterId === undefined ? sql`true` : sql`a.cluster_id = ${clusterId}`;
  const whichOpen = open === undefined ? sql`true` : open ? isOpen : sql`not ${isOpen}`;
  const after =
    page.after === undefined
      ? sql`true`
      : sql`(a.created_at, a.id) < (${page.after.at}::timestamptz, ${page.after.id}::uuid)`;
  const { rows } = await sql<ArrayRow>`
    select ${columns} from deployment_array a
     where a.organization_id = ${scope.organizationId} and ${inCluster} and ${whichOpen} and ${contains('a.name', name)} and ${after}
       and exists (select 1 from deployment d where d.array_id = a.id)
     order by a.created_at desc, a.id desc limit ${page.limit}`.execute(db);
  return rows;
}

/**
 * Lets elements into the queue where so few of their array are in it, or run, that more may. Returns the clusters in which there
 * are such. The arrays are locked: nobody else counts the same free places.
 */
export async function releaseElements(db: Database): Promise<string[]> {
  const { rows: waiting } = await sql`select 1 from deployment where array_held and status = 'queued' limit 1`.execute(
    db,
  );
  if (waiting.length === 0) return [];
  return db.transaction().execute(async (tx) => {
    await sql`
      select 1 from deployment_array where id in (select array_id from deployment where array_held and status = 'queued')
       order by id for no key update`.execute(tx);
    const { rows } = await sql<{ cluster_id: string }>`
      with room as materialized (
        select a.id, a.parallel - (select count(*) from deployment e
                 where e.array_id = a.id and not e.array_held and e.status in ('queued', 'starting', 'running', 'stopping')) as free
          from deployment_array a
         where a.id in (select array_id from deployment where array_held and status = 'queued')
      ), next as materialized (
        select n.id from room r cross join lateral (
          select d.id from deployment d
           where d.array_id = r.id and d.array_held and d.status = 'queued' and d.unmet_dependencies = 0
           order by d.array_index limit greatest(r.free, 0)) n
      ), locked as materialized (
        select id from deployment where id in (select id from next) order by id for no key update
      )
      -- As where dependencies are met, age counts from here.
      update deployment d set array_held = false, queued_at = clock_timestamp(), version = version + 1
        from locked l where d.id = l.id and d.array_held and d.status = 'queued'
      returning d.cluster_id`.execute(tx);
    return [...new Set(rows.map((row) => row.cluster_id))];
  });
}

/** Takes away arrays of which nothing is left. */
export async function removeEmptyArrays(db: Database): Promise<void> {
  await sql`
    delete from deployment_array a where not exists (select 1 from deployment d where d.array_id = a.id)`.execute(db);
}
