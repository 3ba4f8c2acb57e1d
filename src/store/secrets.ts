/** Secrets of organizations. A value comes out of here only for the worker that starts a container. */
import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import { decryptBytes, encrypt } from './secrets/crypto.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { Tables } from './tables.ts';
import { type User, usersOf } from './used-by.ts';

export type SecretRow = Omit<Selectable<Tables['secret']>, 'value_encrypted'>;

const shown = [
  'id',
  'organization_id',
  'name',
  'version',
  'is_text',
  'created_by',
  'created_at',
  'updated_by',
  'updated_at',
] as const;

export type SecretDeletion =
  | { kind: 'deleted' }
  | { kind: 'unknown' }
  /** Deployments that are not over refer to it. */
  | { kind: 'in_use'; users: readonly User[] };

/** What a value is encrypted for: it decrypts nowhere else, and not as another version. */
export function valueContext(scope: Scope, name: string, version: number): string {
  return `secret:${scope.organizationId}:${name}:${version}`;
}

/** Whether it can stand in a variable. */
function isText(value: Buffer): boolean {
  return !value.includes(0) && Buffer.from(value.toString('utf8'), 'utf8').equals(value);
}

/** The first version. A taken name violates `secret_name`. */
export async function createSecret(
  db: Database,
  scope: Scope,
  { name, value }: { readonly name: string; readonly value: Buffer },
  keys: Keyring,
  actor: Actor,
): Promise<SecretRow> {
  return db.transaction().execute(async (tx) => {
    const secret = await tx
      .insertInto('secret')
      .values({
        id: newId(),
        organization_id: scope.organizationId,
        name,
        value_encrypted: encrypt(value, valueContext(scope, name, 1), keys),
        is_text: isText(value),
        created_by: actor.userId,
        updated_by: actor.userId,
      })
      .returning(shown)
      .executeTakeFirstOrThrow();
    await tell(tx, 'secret.created', `the secret ${name} was created`, secret, actor);
    return secret;
  });
}

/** The next version: for containers that start from now on. Null where there is no secret of this name. */
export async function rotateSecret(
  db: Database,
  scope: Scope,
  { name, value }: { readonly name: string; readonly value: Buffer },
  keys: Keyring,
  actor: Actor,
): Promise<SecretRow | null> {
  return db.transaction().execute(async (tx) => {
    const present = await lockSecret(tx, scope, name);
    if (present === undefined) return null;
    const version = present.version + 1;
    const secret = await tx
      .updateTable('secret')
      .set({
        version,
        value_encrypted: encrypt(value, valueContext(scope, name, version), keys),
        is_text: isText(value),
        updated_by: actor.userId,
        updated_at: sql<Date>`now()`,
      })
      .where('id', '=', present.id)
      .returning(shown)
      .executeTakeFirstOrThrow();
    await tell(tx, 'secret.rotated', `the secret ${name} has a new value, version ${version}`, secret, actor);
    return secret;
  });
}

/** Refused while a deployment that is not over refers to it, unless forced: what starts later then fails, and says so. */
export async function deleteSecret(
  db: Database,
  scope: Scope,
  name: string,
  options: { readonly force: boolean },
  actor: Actor,
): Promise<SecretDeletion> {
  return db.transaction().execute(async (tx) => {
    const present = await lockSecret(tx, scope, name);
    if (present === undefined) return { kind: 'unknown' };
    const users = await usersOf(tx, scope, 'secrets', { name });
    if (users.length > 0 && !options.force) return { kind: 'in_use', users };
    await tx.deleteFrom('secret').where('id', '=', present.id).execute();
    await tell(tx, 'secret.deleted', `the secret ${name} was deleted`, present, actor);
    return { kind: 'deleted' };
  });
}

function lockSecret(tx: InTransaction, scope: Scope, name: string): Promise<SecretRow | undefined> {
  return tx
    .selectFrom('secret')
    .select(shown)
    .where('organization_id', '=', scope.organizationId)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
}

/** By name. */
export function listSecrets(db: Database, scope: Scope, page: PageRequest<string>): Promise<SecretRow[]> {
  return db
    .selectFrom('secret')
    .select(shown)
    .where('organization_id', '=', scope.organizationId)
    .$if(page.after !== undefined, (query) => query.where('name', '>', page.after ?? ''))
    .orderBy('name')
    .limit(page.limit)
    .execute();
}

/** Null where there is none of this name. */
export async function readSecret(db: Database, scope: Scope, name: string): Promise<SecretRow | null> {
  return (await readSecrets(db, scope, [name])).get(name) ?? null;
}

/** Those of the names that are there, without their values. */
export async function readSecrets(
  db: Database,
  scope: Scope,
  names: readonly string[],
): Promise<Map<string, SecretRow>> {
  if (names.length === 0) return new Map();
  const rows = await db
    .selectFrom('secret')
    .select(shown)
    .where('organization_id', '=', scope.organizationId)
    .where('name', 'in', [...new Set(names)])
    .orderBy('name')
    .execute();
  return new Map(rows.map((row) => [row.name, row]));
}

/** The present values of those of the names that are there. Only for the worker. */
export async function secretValues(
  db: Database,
  scope: Scope,
  names: readonly string[],
  keys: Keyring,
): Promise<Map<string, Buffer>> {
  if (names.length === 0) return new Map();
  const rows = await db
    .selectFrom('secret')
    .select(['name', 'version', 'value_encrypted'])
    .where('organization_id', '=', scope.organizationId)
    .where('name', 'in', [...new Set(names)])
    .orderBy('name')
    .execute();
  return new Map(
    rows.map((row) => [row.name, decryptBytes(row.value_encrypted, valueContext(scope, row.name, row.version), keys)]),
  );
}

function tell(tx: InTransaction, type: EventType, message: string, secret: SecretRow, actor: Actor): Promise<void> {
  return appendEvents(tx, [
    {
      organizationId: secret.organization_id,
      type,
      message,
      data: { name: secret.name, version: secret.version },
      actorId: actor.userId,
    },
  ]);
}
