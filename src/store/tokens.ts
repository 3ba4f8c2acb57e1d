import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { Principal } from './principal.ts';
import { lowerOf } from './roles.ts';

/** Who a token speaks for, in the one organization that it was made for; null for one that is unknown or has expired. */
export async function principalOfToken(db: Database, hash: Buffer): Promise<Principal | null> {
  const row = await db
    .selectFrom('api_token')
    .innerJoin('user', 'user.id', 'api_token.user_id')
    .innerJoin('membership', (join) =>
      join
        .onRef('membership.organization_id', '=', 'api_token.organization_id')
        .onRef('membership.user_id', '=', 'api_token.user_id'),
    )
    .select(['api_token.id', 'api_token.user_id', 'api_token.organization_id', 'api_token.role'])
    .select(['membership.role as member_role', 'user.username', 'user.operator'])
    .where('api_token.token_hash', '=', hash)
    .where((eb) => eb.or([eb('api_token.expires_at', 'is', null), eb('api_token.expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    userId: row.user_id,
    username: row.username,
    organizationId: row.organization_id,
    role: lowerOf(row.role, row.member_role),
    sessionId: null,
    tokenId: row.id,
    operator: row.operator,
  };
}
