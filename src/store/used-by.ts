import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

/** A deployment that is not over and refers to something. */
export interface User {
  readonly id: string;
  readonly name: string;
}

/** What a deployment may refer to, each a list in a column of its own. */
type Referring = 'secrets' | 'volumes';

/** So many are named at the most. */
const namedMax = 20;

/** Who refers to what has these fields, oldest first: of those that are not over, in one cluster where it is named. */
export async function usersOf(
  db: Database,
  scope: Scope,
  column: Referring,
  fields: Readonly<Record<string, string>>,
  clusterId?: string,
): Promise<User[]> {
  const inCluster = clusterId === undefined ? sql`true` : sql`cluster_id = ${clusterId}`;
  const { rows } = await sql<User>`
    select id, name from deployment
     where organization_id = ${scope.organizationId} and ${inCluster} and ${sql.ref(column)} <> '[]'
       and ${sql.ref(column)} @> ${JSON.stringify([fields])}::jsonb
       and status in ('queued', 'starting', 'running', 'stopping')
     order by id limit ${namedMax}`.execute(db);
  return rows;
}

/** "train and eval" */
export function namesOf(users: readonly User[]): string {
  const names = users.map(({ name }) => name);
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}
