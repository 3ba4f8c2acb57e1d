import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import { exactTime, type PageRequest, type TimeKey } from './keyset.ts';
import type { Scope } from './scope.ts';
import type { Tables } from './tables.ts';

export type PassRow = Selectable<Tables['pass']> & { created_at_exact: string };

/** The passes that changed something, the latest first. */
export function listPasses(
  db: Database,
  scope: Scope,
  clusterId: string,
  page: PageRequest<TimeKey>,
): Promise<PassRow[]> {
  let query = db
    .selectFrom('pass')
    .selectAll()
    .select(exactTime('created_at').as('created_at_exact'))
    .where('organization_id', '=', scope.organizationId)
    .where('cluster_id', '=', clusterId);
  if (page.after !== undefined) {
    query = query.where(sql<boolean>`(created_at, id) < (${page.after.at}::timestamptz, ${page.after.id}::uuid)`);
  }
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(page.limit).execute();
}
