/** The history of a cluster, for replaying it: every deployment that it still knows, by the time of its submission. */
import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import { exactTime, type TimeKey } from './keyset.ts';
import type { Scope } from './scope.ts';
import type { Tables } from './tables.ts';

const columns = [
  'id',
  'kind',
  'status',
  'priority',
  'ram_required',
  'cpu_required',
  'gpu_required',
  'gpu_models',
  'gpu_memory_required',
  'node_labels',
  'max_per_node',
  'replicas',
  'time_limit_s',
  'queued_at',
  'started_at',
  'finished_at',
] as const;

/** A deployment with its last attempt, and the name of who submitted it; null where that user is gone. */
export type HistoryRow = Pick<Selectable<Tables['deployment']>, (typeof columns)[number]> & { username: string | null };

/** So many rows are read at once: the history of years need not fit into memory. */
const pageSize = 2000;

/** Page by page, those submitted at `since` or later. Each page is read when it is asked for. */
export async function* readHistory(
  db: Database,
  scope: Scope,
  clusterId: string,
  since: Date | undefined,
): AsyncGenerator<readonly HistoryRow[]> {
  let after: TimeKey | undefined;
  for (;;) {
    const rows = await readPage(db, scope, clusterId, since, after);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = { at: last.created_at_exact, id: last.id };
  }
}

function readPage(
  db: Database,
  scope: Scope,
  clusterId: string,
  since: Date | undefined,
  after: TimeKey | undefined,
): Promise<(HistoryRow & { created_at_exact: string })[]> {
  let query = db
    .selectFrom('deployment as d')
    .leftJoin('user as u', 'u.id', 'd.submitted_by')
    .select(columns.map((column) => `d.${column}` as const))
    .select(['u.username', exactTime('d.created_at').as('created_at_exact')])
    .where('d.organization_id', '=', scope.organizationId)
    .where('d.cluster_id', '=', clusterId)
    // What waits for others has not been the scheduler's business yet, and what was skipped never was.
    .where('d.held', '=', false)
    .where('d.status', '<>', 'skipped');
  if (since !== undefined) query = query.where('d.created_at', '>=', since);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(d.created_at, d.id) > (${after.at}::timestamptz, ${after.id}::uuid)`);
  }
  return query.orderBy('d.created_at').orderBy('d.id').limit(pageSize).execute();
}
