/** Names and passwords of image registries, for pulls. A password comes out of here only for the worker. */
import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import { appendEvents } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import { decrypt, encrypt } from './secrets/crypto.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { Tables } from './tables.ts';

export type RegistryCredentialRow = Omit<Selectable<Tables['registry_credential']>, 'password_encrypted'>;

const shown = ['id', 'organization_id', 'server', 'username', 'created_at', 'updated_at'] as const;

export interface NewRegistryCredential {
  /** As `normalizeServer` writes it. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

/** Docker Hub has many names; image references know it as docker.io. */
export function normalizeServer(server: string): string {
  const host = server
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/(v[12]\/?)?$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** What a password is encrypted for: it decrypts nowhere else. */
export function passwordContext(scope: Scope, server: string): string {
  return `registry-credential:${scope.organizationId}:${server}`;
}

export async function createRegistryCredential(
  db: Database,
  scope: Scope,
  { server, username, password }: NewRegistryCredential,
  keys: Keyring,
  actor: Actor,
): Promise<RegistryCredentialRow> {
  return db.transaction().execute(async (tx) => {
    const credential = await tx
      .insertInto('registry_credential')
      .values({
        id: newId(),
        organization_id: scope.organizationId,
        server,
        username,
        password_encrypted: encrypt(password, passwordContext(scope, server), keys),
      })
      .returning(shown)
      .executeTakeFirstOrThrow();
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'registry_credential.created',
        message: `credentials for ${server} were added`,
        data: { registry_credential_id: credential.id, server },
        actorId: actor.userId,
      },
    ]);
    return credential;
  });
}

/** By server: there is one for each. */
export function listRegistryCredentials(
  db: Database,
  scope: Scope,
  page: PageRequest<string>,
): Promise<RegistryCredentialRow[]> {
  return db
    .selectFrom('registry_credential')
    .select(shown)
    .where('organization_id', '=', scope.organizationId)
    .$if(page.after !== undefined, (query) => query.where('server', '>', page.after ?? ''))
    .orderBy('server')
    .limit(page.limit + 1)
    .execute();
}

/** Another password, and another name where one is given, for what is pulled from now on. Null where there is none with this id. */
export async function changeRegistryCredential(
  db: Database,
  scope: Scope,
  id: string,
  change: { readonly username: string | undefined; readonly password: string },
  keys: Keyring,
  actor: Actor,
): Promise<RegistryCredentialRow | null> {
  return db.transaction().execute(async (tx) => {
    const present = await tx
      .selectFrom('registry_credential')
      .select('server')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (present === undefined) return null;
    const credential = await tx
      .updateTable('registry_credential')
      .set({
        password_encrypted: encrypt(change.password, passwordContext(scope, present.server), keys),
        updated_at: sql<Date>`now()`,
        ...(change.username === undefined ? {} : { username: change.username }),
      })
      .where('id', '=', id)
      .returning(shown)
      .executeTakeFirstOrThrow();
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'registry_credential.changed',
        message: `the credentials for ${credential.server} were changed`,
        data: { registry_credential_id: id, server: credential.server },
        actorId: actor.userId,
      },
    ]);
    return credential;
  });
}

/** False where there is none with this id. */
export async function deleteRegistryCredential(db: Database, scope: Scope, id: string, actor: Actor): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const credential = await tx
      .deleteFrom('registry_credential')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returning('server')
      .executeTakeFirst();
    if (credential === undefined) return false;
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        type: 'registry_credential.deleted',
        message: `credentials for ${credential.server} were deleted`,
        data: { registry_credential_id: id, server: credential.server },
        actorId: actor.userId,
      },
    ]);
    return true;
  });
}

/** What the worker pulls with; null where the organization has no credentials for the server. */
export async function registryCredentialFor(
  db: Database,
  scope: Scope,
  server: string,
  keys: Keyring,
): Promise<{ username: string; password: string } | null> {
  const normalized = normalizeServer(server);
  const row = await db
    .selectFrom('registry_credential')
    .select(['username', 'password_encrypted'])
    .where('organization_id', '=', scope.organizationId)
    .where('server', '=', normalized)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    username: row.username,
    password: decrypt(row.password_encrypted, passwordContext(scope, normalized), keys),
  };
}
