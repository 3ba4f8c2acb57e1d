import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { newId } from './ids.ts';
import { useInvite } from './invites.ts';
import { join } from './memberships.ts';
import { createSession, deleteOtherSessions, type NewSession, type SessionTerms } from './sessions.ts';
import type { Tables } from './tables.ts';

export type UserRow = Selectable<Tables['user']>;

export interface NewUser {
  readonly username: string;
  readonly email: string;
  /** Argon2id, in PHC form. */
  readonly passwordHash: string;
}

export type Registration =
  | { kind: 'done'; user: UserRow; session: NewSession }
  /** Unknown, expired or used up. */
  | { kind: 'unknown_invite' };

/** A new account, signed in; with an invite also a member of its organization: all of that, or nothing. */
export async function register(
  db: Database,
  newUser: NewUser,
  options: { invite: string | undefined; session: SessionTerms },
): Promise<Registration> {
  return db.transaction().execute(async (tx) => {
    const id = newId();
    const invite = options.invite === undefined ? null : await useInvite(tx, options.invite, id);
    if (invite === undefined) return { kind: 'unknown_invite' };
    await insertUser(tx, { ...newUser, id, operator: false });
    if (invite !== null) await join(tx, invite, { id, username: newUser.username }, invite.role);
    const user = await tx.selectFrom('user').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    return { kind: 'done', user, session: await createSession(tx, id, options.session) };
  });
}

export async function insertUser(
  tx: InTransaction,
  { id, username, email, passwordHash, operator }: NewUser & { id: string; operator: boolean },
): Promise<void> {
  await tx.insertInto('user').values({ id, username, email, password: passwordHash, operator }).execute();
}

/** By username or e-mail address, in any case of letters. A username holds no "@", so that never two are meant. */
export function findByLogin(db: Database, login: string): Promise<UserRow | undefined> {
  return db
    .selectFrom('user')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb(eb.fn<string>('lower', ['username']), '=', sql<string>`lower(${login})`),
        eb(eb.fn<string>('lower', ['email']), '=', sql<string>`lower(${login})`),
      ]),
    )
    .orderBy('id')
    .executeTakeFirst();
}

export function findUser(db: Database, id: string): Promise<UserRow | undefined> {
  return db.selectFrom('user').selectAll().where('id', '=', id).executeTakeFirst();
}

export interface AccountChange {
  readonly userId: string;
  /** One that the user is a member of; undefined leaves it. */
  readonly organizationId: string | undefined;
  readonly passwordHash: string | undefined;
  /** The session that goes on when a new password ends the others. */
  readonly sessionId: string | null;
}

/** Switches the organization in use, or changes the password, or both. Undefined: no member of that organization. */
export async function changeAccount(db: Database, change: AccountChange): Promise<UserRow | undefined> {
  return db.transaction().execute(async (tx) => {
    const user = await tx
      .updateTable('user')
      .set({
        ...(change.organizationId !== undefined && { organization_id: change.organizationId }),
        ...(change.passwordHash !== undefined && { password: change.passwordHash }),
      })
      .where('id', '=', change.userId)
      .$if(change.organizationId !== undefined, (query) =>
        query.where((eb) =>
          eb.exists(
            eb
              .selectFrom('membership')
              .select('role')
              .where('membership.user_id', '=', change.userId)
              .where('membership.organization_id', '=', change.organizationId ?? ''),
          ),
        ),
      )
      .returningAll()
      .executeTakeFirst();
    if (user !== undefined && change.passwordHash !== undefined) {
      await deleteOtherSessions(tx, change.userId, change.sessionId);
    }
    return user;
  });
}
