/** Who is told of an organization's events over HTTP. A secret comes out of here only for who signs with it. */
import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { type EventPosition, endOfEvents } from './event-log.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import { decrypt, encrypt } from './secrets/crypto.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { Tables } from './tables.ts';

type Row = Selectable<Tables['webhook']>;
export type WebhookRow = Pick<Row, (typeof shown)[number]>;

const shown = [
  'id',
  'organization_id',
  'url',
  'description',
  'event_types',
  'cluster_ids',
  'enabled',
  'disabled_reason',
  'failing_since',
  'created_at',
] as const;

/** Bounds what one organization can have the control plane do. */
export const webhooksMax = 20;

/** So long after a rotation the secret before still signs, too. */
const overlap = sql`interval '1 day'`;

export interface WebhookChange {
  readonly url?: string | undefined;
  readonly description?: string | undefined;
  readonly eventTypes?: readonly string[] | undefined;
  readonly clusterIds?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
}

export type NewWebhook = Required<{ [Field in keyof WebhookChange]: NonNullable<WebhookChange[Field]> }>;

/** It is told of what is committed from now on. Null where the organization has as many as it may have. */
export async function createWebhook(
  db: Database,
  scope: Scope,
  webhook: NewWebhook,
  sealing: { readonly secret: string; readonly keys: Keyring },
  actor: Actor,
): Promise<WebhookRow | null> {
  return db.transaction().execute(async (tx) => {
    // Two who add the last one take turns.
    await sql`select 1 from organization where id = ${scope.organizationId} for no key update`.execute(tx);
    const { count } = await tx
      .selectFrom('webhook')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('organization_id', '=', scope.organizationId)
      .executeTakeFirstOrThrow();
    if (Number(count) >= webhooksMax) return null;
    const id = newId();
    const end = await endOfEvents(tx);
    const row = await tx
      .insertInto('webhook')
      .values({
        id,
        organization_id: scope.organizationId,
        ...columnsOf(webhook),
        url: webhook.url,
        secret_encrypted: encrypt(sealing.secret, webhookContext(scope, id), sealing.keys),
        cursor_tx: String(end.tx),
        cursor_id: String(end.id),
      })
      .returning(shown)
      .executeTakeFirstOrThrow();
    await tell(tx, row, 'webhook.created', 'was added', actor);
    return row;
  });
}

/** What a secret is encrypted for: it decrypts nowhere else. */
export function webhookContext(scope: Scope, id: string): string {
  return `webhook:${scope.organizationId}:${id}`;
}

function columnsOf({ url, description, eventTypes, clusterIds, enabled }: WebhookChange) {
  return {
    ...(url !== undefined && { url }),
    ...(description !== undefined && { description }),
    ...(eventTypes !== undefined && { event_types: [...eventTypes] }),
    ...(clusterIds !== undefined && { cluster_ids: [...clusterIds] }),
    ...(enabled !== undefined && { enabled }),
  };
}

/** The host and no more: what stands behind it in the URL may be a secret. */
async function tell(tx: InTransaction, row: WebhookRow, type: EventType, what: string, actor: Actor): Promise<void> {
  const host = new URL(row.url).host;
  await appendEvents(tx, [
    {
      organizationId: row.organization_id,
      type,
      message: `the webhook to ${host} ${what}`,
      data: { webhook_id: row.id, host },
      actorId: actor.userId,
    },
  ]);
}

/** The oldest first. */
export function listWebhooks(db: Database, scope: Scope, page: PageRequest<string>): Promise<WebhookRow[]> {
  return db
    .selectFrom('webhook')
    .select(shown)
    .where('organization_id', '=', scope.organizationId)
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after ?? ''))
    .orderBy('id')
    .limit(page.limit + 1)
    .execute();
}

/** Undefined where there is none in this organization. */
export function readWebhook(db: Database, scope: Scope, id: string): Promise<WebhookRow | undefined> {
  return db
    .selectFrom('webhook')
    .select(shown)
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/**
 * Changes what is given. One that is enabled again is told of what happens from then on, not of what happened meanwhile.
 * Undefined where there is none in this organization.
 */
export async function updateWebhook(
  db: Database,
  scope: Scope,
  id: string,
  change: WebhookChange,
  actor: Actor,
): Promise<WebhookRow | undefined> {
  return db.transaction().execute(async (tx) => {
    const before = await tx
      .selectFrom('webhook')
      .select('enabled')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (before === undefined) return undefined;
    const again = change.enabled === true && !before.enabled;
    const end = again ? await endOfEvents(tx) : null;
    const row = await tx
      .updateTable('webhook')
      .set({
        // Without a change of its own, one column stands for itself: an update needs one.
        enabled: before.enabled,
        ...columnsOf(change),
        ...(change.enabled !== undefined && { disabled_reason: null }),
        ...(end !== null && { cursor_tx: String(end.tx), cursor_id: String(end.id), failing_since: null }),
      })
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returning(shown)
      .executeTakeFirstOrThrow();
    await tell(tx, row, 'webhook.updated', whatChanged(before.enabled, row.enabled), actor);
    return row;
  });
}

function whatChanged(before: boolean, after: boolean): string {
  if (before === after) return 'was changed';
  return after ? 'was enabled' : 'was disabled by a user';
}

/** A new secret; the one before goes on signing for a day. Undefined where there is none in this organization. */
export async function rotateSecret(
  db: Database,
  scope: Scope,
  id: string,
  sealing: { readonly secret: string; readonly keys: Keyring },
  actor: Actor,
): Promise<WebhookRow | undefined> {
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable('webhook')
      .set((eb) => ({
        previous_secret_encrypted: eb.ref('secret_encrypted'),
        previous_secret_until: sql<Date>`now() + ${overlap}`,
        secret_encrypted: encrypt(sealing.secret, webhookContext(scope, id), sealing.keys),
      }))
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returning(shown)
      .executeTakeFirst();
    if (row !== undefined) await tell(tx, row, 'webhook.updated', 'has a new secret', actor);
    return row;
  });
}

/** With its deliveries. False where there is none with this id. */
export async function deleteWebhook(db: Database, scope: Scope, id: string, actor: Actor): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .deleteFrom('webhook')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returning(shown)
      .executeTakeFirst();
    if (row === undefined) return false;
    await tell(tx, row, 'webhook.deleted', 'was deleted', actor);
    return true;
  });
}

/** The secrets to sign with now, the newest first. */
export function secretsOf(
  row: Pick<Row, 'id' | 'organization_id' | 'secret_encrypted' | 'previous_secret_encrypted'>,
  keys: Keyring,
): string[] {
  const context = webhookContext({ organizationId: row.organization_id }, row.id);
  const sealed = [row.secret_encrypted, row.previous_secret_encrypted].filter((one) => one !== null);
  return sealed.map((one) => decrypt(one, context, keys));
}

/** How a webhook stands in the log of events: what comes after the position has not become deliveries yet. */
export interface WebhookCursor extends Pick<WebhookRow, 'id' | 'organization_id' | 'event_types' | 'cluster_ids'> {
  readonly position: EventPosition;
}

/** Enabled ones of which something in the log is news. */
export async function webhooksWithNews(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with horizon as materialized (select event_horizon() as tx)
    select w.id from webhook w, horizon
     where w.enabled and exists (
       select 1 from event e where e.organization_id = w.organization_id
          and (e.tx, e.id) > (w.cursor_tx, w.cursor_id) and e.tx < horizon.tx)
     order by w.id`.execute(db);
  return rows.map(({ id }) => id);
}

/** Locks a webhook for who makes deliveries of its news; null where somebody else does, or it is gone or disabled. */
export async function lockCursor(tx: InTransaction, id: string): Promise<WebhookCursor | null> {
  const row = await tx
    .selectFrom('webhook')
    .select(['id', 'organization_id', 'event_types', 'cluster_ids', 'cursor_tx', 'cursor_id'])
    .where('id', '=', id)
    .where('enabled', '=', true)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (row === undefined) return null;
  const { cursor_tx, cursor_id, ...rest } = row;
  return { ...rest, position: { tx: BigInt(cursor_tx), id: BigInt(cursor_id) } };
}

/** For who writes to its deliveries and then to it. */
export async function lockWebhook(tx: InTransaction, id: string): Promise<void> {
  await tx.selectFrom('webhook').select('id').where('id', '=', id).forNoKeyUpdate().execute();
}

export async function moveCursor(tx: InTransaction, id: string, { tx: at, id: eventId }: EventPosition): Promise<void> {
  await tx
    .updateTable('webhook')
    .set({ cursor_tx: String(at), cursor_id: String(eventId) })
    .where('id', '=', id)
    .execute();
}

export async function anyWebhooks(db: Database): Promise<boolean> {
  return (await db.selectFrom('webhook').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** Something came through. */
export async function noteSuccess(tx: InTransaction, id: string): Promise<void> {
  await tx
    .updateTable('webhook')
    .set({ failing_since: null })
    .where('id', '=', id)
    .where('failing_since', 'is not', null)
    .execute();
}

/**
 * An attempt failed. Where nothing has come through for `patienceS` seconds, or `reason` is given, the webhook is disabled, with an
 * event that says so. True where it was.
 */
export async function noteFailure(
  tx: InTransaction,
  id: string,
  { patienceS, reason }: { patienceS: number; reason: string | null },
): Promise<boolean> {
  const since = await tx
    .updateTable('webhook')
    .set({ failing_since: sql<Date>`coalesce(failing_since, now())` })
    .where('id', '=', id)
    .where('enabled', '=', true)
    .returning([sql<boolean>`failing_since < now() - make_interval(secs => ${patienceS})`.as('tooLong')])
    .executeTakeFirst();
  if (since === undefined || (reason === null && !since.tooLong)) return false;
  const days = Math.round(patienceS / 86_400);
  const row = await tx
    .updateTable('webhook')
    .set({ enabled: false, disabled_reason: reason ?? `nothing has come through for ${days} days` })
    .where('id', '=', id)
    .returning(shown)
    .executeTakeFirstOrThrow();
  await tell(tx, row, 'webhook.disabled', `was disabled: ${row.disabled_reason}`, { userId: null });
  return true;
}
