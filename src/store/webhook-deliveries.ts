/** What is sent to webhooks: made from the log of events, sent until it comes through, kept for some days. */
import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import type { Scope } from './scope.ts';
import type { DeliveryStatus, Tables } from './tables.ts';

export type DeliveryRow = Selectable<Tables['webhook_delivery']>;

/** How long deliveries can be looked up and sent again. */
const keptDays = 7;

export interface NewDelivery {
  readonly webhookId: string;
  readonly organizationId: string;
  /** Null of a test. */
  readonly event: { readonly tx: string; readonly id: string } | null;
  readonly eventType: string;
  readonly body: string;
}

/** In order: their ids count upward. An event that the webhook is told already is left out. */
export async function addDeliveries(tx: InTransaction, deliveries: readonly NewDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  await tx
    .insertInto('webhook_delivery')
    .values(deliveries.map(rowOf))
    .onConflict((conflict) => conflict.columns(['webhook_id', 'event_tx', 'event_id']).doNothing())
    .execute();
}

export function addTest(db: Database, delivery: NewDelivery): Promise<DeliveryRow> {
  return db.insertInto('webhook_delivery').values(rowOf(delivery)).returningAll().executeTakeFirstOrThrow();
}

function rowOf({ webhookId, organizationId, event, eventType, body }: NewDelivery) {
  return {
    id: newId(),
    webhook_id: webhookId,
    organization_id: organizationId,
    event_tx: event?.tx ?? null,
    event_id: event?.id ?? null,
    event_type: eventType,
    body,
  };
}

/** Webhooks to which something is to be sent now. */
export interface DueWebhook {
  readonly id: string;
  readonly failing: boolean;
}

/** Of those that are disabled only the tests, of type `testType`. */
export async function webhooksWithDue(db: Database, testType: string): Promise<DueWebhook[]> {
  const { rows } = await sql<DueWebhook>`
    select w.id, w.failing_since is not null as failing from webhook w
     where exists (
       select 1 from webhook_delivery d
        where d.webhook_id = w.id and d.status = 'pending' and d.next_attempt_at <= now() and (w.enabled or d.event_type = ${testType}))
     order by w.id`.execute(db);
  return rows;
}

/** A delivery that this process sends now, and whoever else looks leaves alone until the claim runs out. */
export interface ClaimedDelivery
  extends Pick<DeliveryRow, 'id' | 'webhook_id' | 'organization_id' | 'event_type' | 'body' | 'attempts'>,
    Pick<Selectable<Tables['webhook']>, 'url' | 'secret_encrypted' | 'previous_secret_encrypted'> {}

/**
 * Begins the next attempt of up to `limit` that are due, the most overdue first. For `claimS` seconds they are this caller's: whoever dies
 * meanwhile has sent them or not, and they are sent again.
 */
export async function claimDue(
  db: Database,
  webhookId: string,
  { limit, claimS, testType }: { limit: number; claimS: number; testType: string },
): Promise<ClaimedDelivery[]> {
  const { rows } = await sql<ClaimedDelivery>`
    with due as materialized (
      select d.id from webhook_delivery d join webhook w on w.id = d.webhook_id
       where d.webhook_id = ${webhookId} and d.status = 'pending' and d.next_attempt_at <= now()
         and (w.enabled or d.event_type = ${testType})
       order by d.next_attempt_at, d.id limit ${limit} for update of d skip locked
    )
    update webhook_delivery d
       set attempts = d.attempts + 1, last_attempt_at = now(), next_attempt_at = now() + make_interval(secs => ${claimS})
      from webhook w
     where w.id = d.webhook_id and d.id in (select id from due)
    returning d.id, d.webhook_id, d.organization_id, d.event_type, d.body, d.attempts, w.url, w.secret_encrypted,
              case when w.previous_secret_until > now() then w.previous_secret_encrypted end as previous_secret_encrypted`.execute(
    db,
  );
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** How an attempt ended. */
export interface AttemptNote {
  readonly succeeded: boolean;
  readonly responseCode: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  /** Milliseconds until it is tried again; null: it is over. */
  readonly againInMs: number | null;
}

/** False where it is not this attempt's to tell any more: another has begun, or somebody had it sent again. */
export async function noteAttempt(
  tx: InTransaction,
  { id, attempts }: Pick<DeliveryRow, 'id' | 'attempts'>,
  { succeeded, responseCode, error, durationMs, againInMs }: AttemptNote,
): Promise<boolean> {
  const over: DeliveryStatus = succeeded ? 'succeeded' : 'failed';
  const noted = await tx
    .updateTable('webhook_delivery')
    .set({
      status: againInMs === null ? over : 'pending',
      next_attempt_at: againInMs === null ? null : sql<Date>`now() + make_interval(secs => ${againInMs / 1000})`,
      response_code: responseCode,
      error,
      duration_ms: durationMs,
    })
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .where('status', '=', 'pending')
    .returning('id')
    .executeTakeFirst();
  return noted !== undefined;
}

/** The latest first. */
export function listDeliveries(
  db: Database,
  scope: Scope,
  webhookId: string,
  status: DeliveryStatus | undefined,
  page: PageRequest<string>,
): Promise<DeliveryRow[]> {
  return db
    .selectFrom('webhook_delivery')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('webhook_id', '=', webhookId)
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'pending'))
    .$if(page.after !== undefined, (query) => query.where('id', '<', page.after ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/** Undefined where there is none in this organization. */
export function readDelivery(
  db: Database,
  scope: Scope,
  webhookId: string,
  id: string,
): Promise<DeliveryRow | undefined> {
  return db
    .selectFrom('webhook_delivery')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('webhook_id', '=', webhookId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Sends it again, now and with all its attempts before it: the same id, the same body. Undefined where there is none. */
export function sendAgain(db: Database, scope: Scope, webhookId: string, id: string): Promise<DeliveryRow | undefined> {
  return db
    .updateTable('webhook_delivery')
    .set({ status: 'pending', attempts: 0, next_attempt_at: sql<Date>`now()` })
    .where('organization_id', '=', scope.organizationId)
    .where('webhook_id', '=', webhookId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

export async function removeOldDeliveries(db: Database): Promise<void> {
  await db
    .deleteFrom('webhook_delivery')
    .where(sql<boolean>`created_at < now() - make_interval(days => ${keptDays})`)
    .execute();
}
