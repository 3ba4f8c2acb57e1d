import { sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents } from './events.ts';
import type { PageRequest } from './keyset.ts';
import { isAtLeast, lowerOf } from './roles.ts';
import type { Actor, Scope } from './scope.ts';
import type { Role } from './tables.ts';

export interface MemberRow {
  readonly user_id: string;
  readonly username: string;
  readonly email: string;
  readonly role: Role;
  readonly created_at: Date;
}

/** Who changes another's membership. */
export interface ActingMember extends Actor {
  readonly userId: string;
  /** The role of the request; a demotion that came in between counts too. */
  readonly role: Role;
}

export type MemberChange =
  | { kind: 'done'; member: MemberRow }
  | { kind: 'unknown' }
  | { kind: 'last_owner' }
  /** Only owners decide about owners. */
  | { kind: 'role_too_low' };

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

/** The members by username, so that pages do not depend on who joined when. */
export function listMembers(
  db: Database,
  scope: Scope,
  page: PageRequest<string>,
): Promise<(MemberRow & { sort: string })[]> {
  return members(db, scope)
    .select(sql<string>`lower("user".username)`.as('sort'))
    .$if(page.after !== undefined, (query) => query.where(sql<boolean>`lower("user".username) > ${page.after}`))
    .orderBy(sql`lower("user".username)`)
    .limit(page.limit + 1)
    .execute();
}

function members(db: Database, scope: Scope) {
  return db
    .selectFrom('membership')
    .innerJoin('user', 'user.id', 'membership.user_id')
    .select(['membership.user_id', 'user.username', 'user.email', 'membership.role', 'membership.created_at'])
    .where('membership.organization_id', '=', scope.organizationId);
}

/** Makes a user a member, and the organization the one in use if it is the first. A member already: membership_pkey. */
export async function addMember(tx: InTransaction, scope: Scope, userId: string, role: Role): Promise<void> {
  await tx.insertInto('membership').values({ organization_id: scope.organizationId, user_id: userId, role }).execute();
  await tx
    .updateTable('user')
    .set({ organization_id: scope.organizationId })
    .where('id', '=', userId)
    .where('organization_id', 'is', null)
    .execute();
}

export async function join(
  tx: InTransaction,
  scope: Scope,
  user: { id: string; username: string },
  role: Role,
): Promise<void> {
  await addMember(tx, scope, user.id, role);
  await appendEvents(tx, [
    {
      organizationId: scope.organizationId,
      type: 'member.joined',
      message: `${user.username} joined as ${role}`,
      data: { user_id: user.id, role },
      actorId: user.id,
    },
  ]);
}

/** Gives a member another role. */
export function changeRole(
  db: Database,
  scope: Scope,
  userId: string,
  role: Role,
  by: ActingMember,
): Promise<MemberChange> {
  return changeMember(db, scope, userId, role, by, async (tx, member) => {
    await tx
      .updateTable('membership')
      .set({ role })
      .where('organization_id', '=', scope.organizationId)
      .where('user_id', '=', userId)
      .execute();
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'member.role_changed',
        message: `${member.username} is ${role} now, was ${member.role}`,
        data: { user_id: userId, role, was: member.role },
        actorId: by.userId,
      },
    ]);
    return { ...member, role };
  });
}

/** Removes a member, or leaves. Their tokens for the organization go with the membership. */
export function removeMember(db: Database, scope: Scope, userId: string, by: ActingMember): Promise<MemberChange> {
  return changeMember(db, scope, userId, null, by, async (tx, member) => {
    await tx
      .deleteFrom('membership')
      .where('organization_id', '=', scope.organizationId)
      .where('user_id', '=', userId)
      .execute();
    await useAnotherOrganization(tx, scope, userId);
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'member.left',
        message: userId === by.userId ? `${member.username} left` : `${member.username} was removed`,
        data: { user_id: userId, role: member.role },
        actorId: by.userId,
      },
    ]);
    return member;
  });
}

/**
 * What both changes have in common: who may, and that an owner stays. Holds the organization's row meanwhile, so that of two
 * owners who leave at the same moment the second sees that it is the last.
 */
async function changeMember(
  db: Database,
  scope: Scope,
  userId: string,
  newRole: Role | null,
  by: ActingMember,
  change: (tx: InTransaction, member: MemberRow) => Promise<MemberRow>,
): Promise<MemberChange> {
  return db.transaction().execute(async (tx) => {
    await tx.selectFrom('organization').select('id').where('id', '=', scope.organizationId).forNoKeyUpdate().execute();
    const member = await members(tx, scope).where('membership.user_id', '=', userId).executeTakeFirst();
    if (member === undefined) return { kind: 'unknown' };
    if (!(await mayChange(tx, scope, member, newRole, by))) return { kind: 'role_too_low' };
    if (member.role === 'owner' && newRole !== 'owner' && (await countOwners(tx, scope)) === 1) {
      return { kind: 'last_owner' };
    }
    return { kind: 'done', member: await change(tx, member) };
  });
}

/** Leaving is everybody's own decision. Else it takes an admin, and an owner where an owner is concerned. */
async function mayChange(
  tx: InTransaction,
  scope: Scope,
  member: MemberRow,
  newRole: Role | null,
  by: ActingMember,
): Promise<boolean> {
  if (newRole === null && member.user_id === by.userId) return true;
  const present = await roleIn(tx, scope, by.userId);
  if (present === undefined) return false;
  const needed = member.role === 'owner' || newRole === 'owner' ? 'owner' : 'admin';
  return isAtLeast(lowerOf(present, by.role), needed);
}

async function countOwners(tx: InTransaction, scope: Scope): Promise<number> {
  const { count } = await tx
    .selectFrom('membership')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('organization_id', '=', scope.organizationId)
    .where('role', '=', 'owner')
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Who left the organization they had in use goes on with the one they joined first, if there is one. */
async function useAnotherOrganization(tx: InTransaction, scope: Scope, userId: string): Promise<void> {
  await tx
    .updateTable('user')
    .set((eb) => ({
      organization_id: eb
        .selectFrom('membership')
        .select('membership.organization_id')
        .where('membership.user_id', '=', userId)
        .orderBy('membership.created_at')
        .orderBy('membership.organization_id')
        .limit(1),
    }))
    .where('id', '=', userId)
    .where('organization_id', '=', scope.organizationId)
    .execute();
}
