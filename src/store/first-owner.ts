import { sql } from 'kysely';
import type { Database } from './database.ts';
import { newId } from './ids.ts';
import { insertOrganization, type OrganizationOfUser } from './organizations.ts';
import { hashPassword } from './secrets/passwords.ts';
import { findUser, insertUser, type UserRow } from './users.ts';

export interface FirstOwner {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly organizationName: string;
}

/** Any number, as long as nothing else locks the same. */
const firstOwnerLock = 7_214_601;

/**
 * The account of whoever installed this: operator, and owner of a first organization. Does nothing and answers null where
 * there is a user already; of several processes that start at once, one creates it.
 */
export async function createFirstOwner(
  db: Database,
  { username, email, password, organizationName }: FirstOwner,
): Promise<{ user: UserRow; organization: OrganizationOfUser } | null> {
  // Before the transaction: hashing takes a while, and starts are rare.
  const passwordHash = await hashPassword(password);
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${firstOwnerLock})`.execute(tx);
    const anybody = await tx.selectFrom('user').select('id').limit(1).executeTakeFirst();
    if (anybody !== undefined) return null;
    const id = newId();
    await insertUser(tx, { id, username, email, passwordHash, operator: true });
    const organization = await insertOrganization(tx, organizationName, { id });
    const user = await findUser(tx, id);
    if (user === undefined) throw new Error('the first owner was not written');
    return { user, organization };
  });
}
