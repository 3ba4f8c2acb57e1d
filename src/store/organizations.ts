import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import { addMember } from './memberships.ts';
import type { Actor, Scope } from './scope.ts';
import type { Role, Tables } from './tables.ts';

export type OrganizationRow = Selectable<Tables['organization']>;
export type OrganizationOfUser = OrganizationRow & { role: Role };

/** A new organization with its creator as owner. */
export function createOrganization(db: Database, name: string, owner: { id: string }): Promise<OrganizationOfUser> {
  return db.transaction().execute((tx) => insertOrganization(tx, name, owner));
}

export async function insertOrganization(
  tx: InTransaction,
  name: string,
  owner: { id: string },
): Promise<OrganizationOfUser> {
  const organization = await tx
    .insertInto('organization')
    .values({ id: newId(), name })
    .returningAll()
    .executeTakeFirstOrThrow();
  await addMember(tx, { organizationId: organization.id }, owner.id, 'owner');
  await appendEvents(tx, [
    {
      organizationId: organization.id,
      type: 'organization.created',
      message: `${name} was created`,
      actorId: owner.id,
    },
  ]);
  return { ...organization, role: 'owner' };
}

export function getOrganization(db: Database, scope: Scope): Promise<OrganizationRow | undefined> {
  return db.selectFrom('organization').selectAll().where('id', '=', scope.organizationId).executeTakeFirst();
}

/** The user's organizations by name; `only` narrows them to one, as a token does. */
export function listOrganizations(
  db: Database,
  userId: string,
  page: PageRequest<string>,
  only: Scope | null,
): Promise<(OrganizationOfUser & { sort: string })[]> {
  return db
    .selectFrom('membership')
    .innerJoin('organization', 'organization.id', 'membership.organization_id')
    .selectAll('organization')
    .select('membership.role')
    .select(sql<string>`lower(organization.name)`.as('sort'))
    .where('membership.user_id', '=', userId)
    .$if(only !== null, (query) => query.where('organization.id', '=', only?.organizationId ?? ''))
    .$if(page.after !== undefined, (query) => query.where(sql<boolean>`lower(organization.name) > ${page.after}`))
    .orderBy(sql`lower(organization.name)`)
    .limit(page.limit + 1)
    .execute();
}

/** Undefined where its version is not the expected one, or it is gone. */
export async function renameOrganization(
  db: Database,
  scope: Scope,
  name: string,
  expectedVersion: number | undefined,
  actor: Actor,
): Promise<OrganizationRow | undefined> {
  return db.transaction().execute(async (tx) => {
    const organization = await tx
      .updateTable('organization')
      .set({ name, version: sql<number>`version + 1` })
      .where('id', '=', scope.organizationId)
      .$if(expectedVersion !== undefined, (query) => query.where('version', '=', expectedVersion ?? 0))
      .returningAll()
      .executeTakeFirst();
    if (organization === undefined) return undefined;
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'organization.renamed',
        message: `is called ${name} now`,
        actorId: actor.userId,
      },
    ]);
    return organization;
  });
}
