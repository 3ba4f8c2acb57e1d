/**
 * Leases: who may do what only one process may do at a time. Each has a fence that grows with every change of hands. Whoever acts under a
 * lease locks its row by name and fence in the transaction that it commits (`for key share`): a lease is never taken from a holder in the
 * middle of such a transaction, and one that was taken before makes the transaction find nothing. See Kleppmann, "How to do distributed
 * locking" (2016), on fencing.
 */
import { sql } from 'kysely';
import type { Database } from './database.ts';
import { isAlive } from './processes.ts';

export interface Lease {
  readonly name: string;
  /** Text, as it may be larger than a number is exact. */
  readonly fence: string;
}

/** A lease as its holder acts under it. */
export interface Held extends Lease {
  readonly processId: string;
}

/** Of a cluster: for its passes. */
export const leaseOfCluster = (clusterId: string) => `cluster/${clusterId}`;

/** Its holder gave it back, let it expire, or is dead. */
const isFree = sql`(l.process_id is null or l.expires_at < clock_timestamp()
  or not exists (select 1 from process p where p.id = l.process_id and ${isAlive}))`;

const inSeconds = (seconds: number) => sql`clock_timestamp() + make_interval(secs => ${seconds})`;

/** Takes those of these that are free. One that somebody acts under at this moment is not, whatever its time. */
export async function takeLeases(
  db: Database,
  processId: string,
  names: readonly string[],
  seconds: number,
): Promise<Lease[]> {
  if (names.length === 0) return [];
  await sql`insert into lease (name) select unnest(${[...names]}::text[]) order by 1 on conflict do nothing`.execute(
    db,
  );
  const { rows } = await sql<Lease>`
    with free as (
      select l.name from lease l where l.name = any(${[...names]}::text[]) and ${isFree} order by l.name for update skip locked)
    update lease l set process_id = ${processId}, fence = l.fence + 1, expires_at = ${inSeconds(seconds)}
      from free where free.name = l.name
    returning l.name, l.fence::text as fence`.execute(db);
  return rows;
}

/** Keeps all that the process has. Returns them: what is missing was taken by somebody else. */
export async function renewLeases(db: Database, processId: string, seconds: number): Promise<Lease[]> {
  const { rows } = await sql<Lease>`
    update lease set expires_at = ${inSeconds(seconds)} where process_id = ${processId}
    returning name, fence::text as fence`.execute(db);
  return rows;
}

/** Gives back these, or all, so that others need not wait. */
export async function releaseLeases(db: Database, processId: string, names: readonly string[] | null): Promise<void> {
  const which = names === null ? sql`true` : sql`name = any(${[...names]}::text[])`;
  await sql`update lease set process_id = null where process_id = ${processId} and ${which}`.execute(db);
}

/** Clusters that no living process has, and how many there are in all. */
export async function unheldClusters(db: Database): Promise<{ ids: string[]; total: number }> {
  const { rows } = await sql<{ id: string; total: number; free: boolean }>`
    select c.id, count(*) over ()::int as total, coalesce(${isFree}, true) as free
      from cluster c left join lease l on l.name = 'cluster/' || c.id::text order by c.id`.execute(db);
  return { ids: rows.filter(({ free }) => free).map(({ id }) => id), total: rows[0]?.total ?? 0 };
}

/** Clusters come and go. */
export async function removeLeasesOfDeleted(db: Database): Promise<void> {
  await sql`
    delete from lease l where l.name like 'cluster/%'
       and not exists (select 1 from cluster c where 'cluster/' || c.id::text = l.name)`.execute(db);
}
