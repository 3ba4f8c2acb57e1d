import { sql } from 'kysely';
import type { Database } from './database.ts';
import { newId } from './ids.ts';
import type { Principal } from './principal.ts';
import { newSecret, sessionPrefix } from './secrets/tokens.ts';

export interface NewSession {
  readonly token: string;
  readonly expiresAt: Date;
}

/** For how long, and with which program, as that calls itself. */
export interface SessionTerms {
  readonly days: number;
  readonly userAgent: string | null;
}

/** Begins a session. Its token is in the answer and nowhere else. */
export async function createSession(
  db: Database,
  userId: string,
  { days, userAgent }: SessionTerms,
): Promise<NewSession> {
  const secret = newSecret(sessionPrefix);
  const { expires_at } = await db
    .insertInto('session')
    .values({
      id: newId(),
      token_hash: secret.hash,
      user_id: userId,
      user_agent: userAgent,
      expires_at: sql<Date>`now() + make_interval(days => ${days}::int)`,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow();
  return { token: secret.plain, expiresAt: expires_at };
}

/** Who a session belongs to, and the organization that its user has in use; null for one that is unknown or has expired. */
export async function principalOfSession(db: Database, hash: Buffer): Promise<Principal | null> {
  const row = await db
    .selectFrom('session')
    .innerJoin('user', 'user.id', 'session.user_id')
    .leftJoin('membership', (join) =>
      join.onRef('membership.organization_id', '=', 'user.organization_id').onRef('membership.user_id', '=', 'user.id'),
    )
    .select(['session.id', 'session.user_id', 'user.username', 'user.operator'])
    .select(['membership.organization_id', 'membership.role'])
    .where('session.token_hash', '=', hash)
    .where('session.expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    userId: row.user_id,
    username: row.username,
    organizationId: row.organization_id,
    role: row.role,
    sessionId: row.id,
    tokenId: null,
    operator: row.operator,
  };
}

export async function deleteSession(db: Database, id: string): Promise<void> {
  await db.deleteFrom('session').where('id', '=', id).execute();
}

/** Ends the user's other sessions: whoever had the old password is out. */
export async function deleteOtherSessions(db: Database, userId: string, keptId: string | null): Promise<void> {
  await db
    .deleteFrom('session')
    .where('user_id', '=', userId)
    .$if(keptId !== null, (query) => query.where('id', '!=', keptId ?? ''))
    .execute();
}

export interface SessionRow {
  readonly id: string;
  readonly created_at: Date;
  /** To the minute; null: not since it began. */
  readonly last_used_at: Date | null;
  readonly expires_at: Date;
  readonly user_agent: string | null;
}

/** The sessions of a user that have not expired, the newest first. */
export function listSessions(db: Database, userId: string): Promise<SessionRow[]> {
  return db
    .selectFrom('session')
    .select(['id', 'created_at', 'last_used_at', 'expires_at', 'user_agent'])
    .where('user_id', '=', userId)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

/** False where the user has no such session. */
export async function endSession(db: Database, userId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('session')
    .where('user_id', '=', userId)
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Notes that a session is in use, to the minute. */
export async function noteSessionUse(db: Database, id: string): Promise<void> {
  await db
    .updateTable('session')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where(sql<boolean>`(last_used_at is null or last_used_at < now() - interval '1 minute')`)
    .execute();
}
