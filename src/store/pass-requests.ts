/** Passes that one process asks another for: the one that has the cluster's lease. */
import { sql } from 'kysely';
import type { Database } from './database.ts';

export interface PassRequest {
  readonly id: string;
  readonly clusterId: string;
}

export interface PassAnswer {
  /** JSON. Null where it went wrong. */
  readonly answer: string | null;
  readonly error: string | null;
}

export async function addPassRequest(db: Database, { id, clusterId }: PassRequest): Promise<void> {
  await sql`insert into pass_request (id, cluster_id) values (${id}, ${clusterId})`.execute(db);
}

/** Those that nobody has answered, of these clusters. */
export async function openPassRequests(db: Database, clusterIds: readonly string[]): Promise<PassRequest[]> {
  if (clusterIds.length === 0) return [];
  const { rows } = await sql<PassRequest>`
    select id, cluster_id as "clusterId" from pass_request
     where answered_at is null and cluster_id = any(${[...clusterIds]}::uuid[]) order by requested_at, id`.execute(db);
  return rows;
}

export async function answerPassRequest(db: Database, id: string, { answer, error }: PassAnswer): Promise<void> {
  await sql`
    update pass_request set answered_at = now(), answer = ${answer}, error = ${error} where id = ${id}`.execute(db);
}

/** Takes the answer away with the request. Null while there is none; undefined where the request is gone with its cluster. */
export async function takePassAnswer(db: Database, id: string): Promise<PassAnswer | null | undefined> {
  const { rows } = await sql<PassAnswer & { answered: boolean }>`
    select answered_at is not null as answered, answer, error from pass_request where id = ${id}`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  if (!row.answered) return null;
  await removePassRequest(db, id);
  return { answer: row.answer, error: row.error };
}

export async function removePassRequest(db: Database, id: string): Promise<void> {
  await sql`delete from pass_request where id = ${id}`.execute(db);
}

/** Those whose process died before it read the answer. */
export async function removeOldPassRequests(db: Database): Promise<void> {
  await sql`delete from pass_request where requested_at < now() - interval '10 minutes'`.execute(db);
}
