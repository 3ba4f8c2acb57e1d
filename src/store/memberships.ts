import type { Database } from './database.ts';
import type { Scope } from './scope.ts';
import type { Role } from './tables.ts';

/** The user's role in the organization; undefined for who is no member. */
export async function roleIn(db: Database, scope: Scope, userId: string): Promise<Role | undefined> {
  const row = await db
    .selectFrom('membership')
    .select('role')
    .where('organization_id', '=', scope.organizationId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row?.role;
}
