import { sql } from 'kysely';
import type { Database } from './database.ts';
import { appendEvents } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import type { Principal } from './principal.ts';
import { lowerOf } from './roles.ts';
import type { Actor, Scope } from './scope.ts';
import { newSecret, tokenPrefix } from './secrets/tokens.ts';
import type { Role } from './tables.ts';

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

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly role: Role;
  readonly user_id: string;
  readonly username: string;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly created_at: Date;
}

export interface NewToken {
  readonly userId: string;
  readonly name: string;
  readonly role: Role;
  /** Null: never expires. */
  readonly expiresInS: number | null;
}

const shownChars = 10;

function tokens(db: Database, scope: Scope) {
  return db
    .selectFrom('api_token')
    .innerJoin('user', 'user.id', 'api_token.user_id')
    .select(['api_token.id', 'api_token.name', 'api_token.prefix', 'api_token.role', 'api_token.user_id'])
    .select(['user.username', 'api_token.expires_at', 'api_token.last_used_at', 'api_token.created_at'])
    .where('api_token.organization_id', '=', scope.organizationId);
}

/** A new token of a member. The token itself is in the answer and nowhere else. */
export async function createToken(
  db: Database,
  scope: Scope,
  { userId, name, role, expiresInS }: NewToken,
): Promise<TokenRow & { token: string }> {
  const secret = newSecret(tokenPrefix);
  return db.transaction().execute(async (tx) => {
    const id = newId();
    await tx
      .insertInto('api_token')
      .values({
        id,
        organization_id: scope.organizationId,
        user_id: userId,
        name,
        token_hash: secret.hash,
        prefix: secret.plain.slice(0, shownChars),
        role,
        expires_at: expiresInS === null ? null : sql<Date>`now() + make_interval(secs => ${expiresInS})`,
      })
      .execute();
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'token.created',
        message: `the token ${name} was made, as ${role}`,
        data: { token_id: id, role },
        actorId: userId,
      },
    ]);
    const row = await tokens(tx, scope).where('api_token.id', '=', id).executeTakeFirstOrThrow();
    return { ...row, token: secret.plain };
  });
}

/** The newest first; `ofUser` narrows them to one member's. */
export function listTokens(
  db: Database,
  scope: Scope,
  ofUser: string | null,
  page: PageRequest<string>,
): Promise<TokenRow[]> {
  return tokens(db, scope)
    .$if(ofUser !== null, (query) => query.where('api_token.user_id', '=', ofUser ?? ''))
    .$if(page.after !== undefined, (query) => query.where('api_token.id', '<', page.after ?? ''))
    .orderBy('api_token.id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/** Ends a token. `ofUser`: only if it is this member's. */
export async function revokeToken(
  db: Database,
  scope: Scope,
  id: string,
  ofUser: string | null,
  actor: Actor,
): Promise<'done' | 'unknown' | 'not_own'> {
  return db.transaction().execute(async (tx) => {
    const token = await tokens(tx, scope).where('api_token.id', '=', id).executeTakeFirst();
    if (token === undefined) return 'unknown';
    if (ofUser !== null && token.user_id !== ofUser) return 'not_own';
    await tx.deleteFrom('api_token').where('id', '=', id).execute();
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'token.revoked',
        message: `the token ${token.name} of ${token.username} was revoked`,
        data: { token_id: id },
        actorId: actor.userId,
      },
    ]);
    return 'done';
  });
}

export function findToken(db: Database, id: string): Promise<{ id: string; name: string } | undefined> {
  return db.selectFrom('api_token').select(['id', 'name']).where('id', '=', id).executeTakeFirst();
}

/** Notes that a token is in use, to the minute: often enough for its owner, and rarely written. */
export async function noteTokenUse(db: Database, id: string): Promise<void> {
  await db
    .updateTable('api_token')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where((eb) =>
      eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', sql<Date>`now() - interval '1 minute'`)]),
    )
    .execute();
}
