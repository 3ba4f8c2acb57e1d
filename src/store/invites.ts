import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import { join } from './memberships.ts';
import type { Actor, Scope } from './scope.ts';
import { hashSecret, invitePrefix, newSecret } from './secrets/tokens.ts';
import type { Role, Tables } from './tables.ts';

export type InviteRow = Selectable<Tables['invite']>;

export interface NewInvite {
  readonly role: Role;
  readonly expiresInS: number;
  readonly maxUses: number;
}

/** A new invite. Its code is in the answer and nowhere else. */
export async function createInvite(
  db: Database,
  scope: Scope,
  { role, expiresInS, maxUses }: NewInvite,
  actor: Actor,
): Promise<InviteRow & { code: string }> {
  const secret = newSecret(invitePrefix);
  return db.transaction().execute(async (tx) => {
    const invite = await tx
      .insertInto('invite')
      .values({
        id: newId(),
        organization_id: scope.organizationId,
        code_hash: secret.hash,
        role,
        max_uses: maxUses,
        expires_at: sql<Date>`now() + make_interval(secs => ${expiresInS})`,
        created_by: actor.userId,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'invite.created',
        message: `an invite as ${role} was made, for ${maxUses} ${maxUses === 1 ? 'use' : 'uses'}`,
        data: { invite_id: invite.id, role, max_uses: maxUses },
        actorId: actor.userId,
      },
    ]);
    return { ...invite, code: secret.plain };
  });
}

/** All that were not revoked, the newest first: also those that expired or are used up. */
export function listInvites(db: Database, scope: Scope, page: PageRequest<string>): Promise<InviteRow[]> {
  return db
    .selectFrom('invite')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .$if(page.after !== undefined, (query) => query.where('id', '<', page.after ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/** False where there is no such invite. */
export async function revokeInvite(db: Database, scope: Scope, id: string, actor: Actor): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const invite = await tx
      .deleteFrom('invite')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returning('role')
      .executeTakeFirst();
    if (invite === undefined) return false;
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'invite.revoked',
        message: `an invite as ${invite.role} was revoked`,
        data: { invite_id: id },
        actorId: actor.userId,
      },
    ]);
    return true;
  });
}

export interface UsedInvite extends Scope {
  readonly role: Role;
}

/**
 * Takes one use of an invite; undefined where it is unknown, expired or used up. One statement that repeats its conditions
 * when it has waited for the row: of two who race for the last use, exactly one gets it.
 *
 * Who is a member already takes no use of it.
 */
export async function useInvite(tx: InTransaction, code: string, userId: string): Promise<UsedInvite | undefined> {
  const row = await tx
    .updateTable('invite')
    .set({ uses: sql<number>`uses + 1` })
    .where('code_hash', '=', hashSecret(code))
    .where('expires_at', '>', sql<Date>`now()`)
    .where(sql<boolean>`uses < max_uses`)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('membership')
            .select('membership.role')
            .whereRef('membership.organization_id', '=', 'invite.organization_id')
            .where('membership.user_id', '=', userId),
        ),
      ),
    )
    .returning(['organization_id', 'role'])
    .executeTakeFirst();
  return row && { organizationId: row.organization_id, role: row.role };
}

export type Acceptance = { kind: 'joined'; invite: UsedInvite } | { kind: 'unknown' } | { kind: 'already_member' };

/** Joins the invite's organization with its role. */
export async function acceptInvite(
  db: Database,
  code: string,
  user: { id: string; username: string },
): Promise<Acceptance> {
  return db.transaction().execute(async (tx) => {
    const invite = await useInvite(tx, code, user.id);
    if (invite === undefined) return { kind: (await isMemberBy(tx, code, user.id)) ? 'already_member' : 'unknown' };
    await join(tx, invite, user, invite.role);
    return { kind: 'joined', invite };
  });
}

/** Whether a valid invite leads to where the user is already. */
async function isMemberBy(tx: InTransaction, code: string, userId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('invite')
    .innerJoin('membership', 'membership.organization_id', 'invite.organization_id')
    .select('invite.id')
    .where('invite.code_hash', '=', hashSecret(code))
    .where('invite.expires_at', '>', sql<Date>`now()`)
    .where(sql<boolean>`invite.uses < invite.max_uses`)
    .where('membership.user_id', '=', userId)
    .executeTakeFirst();
  return row !== undefined;
}
