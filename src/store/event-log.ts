/**
 * Reading events so that none is ever missed: by (transaction, id), and only of transactions below the oldest one of this
 * database that still runs. What is above may yet be joined by events with smaller numbers; what is below is complete.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';
import type { Tables } from './tables.ts';

export type EventRow = Selectable<Tables['event']>;

/** A place in the log of events. 64-bit numbers, as bigint. */
export interface EventPosition {
  readonly tx: bigint;
  readonly id: bigint;
}

export interface EventFilter {
  readonly clusterId?: string | undefined;
  readonly deploymentId?: string | undefined;
  /** Of this type, or of all types of a family: `webhook.*`. */
  readonly type?: string | undefined;
  /** Only what this user did. */
  readonly actorId?: string | undefined;
}

const anyOfFamily = '*';

/** What the types of a family begin with, "webhook." for `webhook.*`; null for a type by itself. */
export function familyOf(type: string): string | null {
  return type.endsWith(`.${anyOfFamily}`) ? type.slice(0, -anyOfFamily.length) : null;
}

export interface EventPage {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** Undefined: from the first, or from the last where the order is `desc`. */
  readonly after: EventPosition | undefined;
  /** Up to where the log is known to be complete (`settleEvents`). */
  readonly completeTo?: bigint;
}

export async function listEvents(
  db: Database,
  scope: Scope,
  filter: EventFilter,
  page: EventPage,
): Promise<EventRow[]> {
  let query = db
    .selectFrom('event')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where(sql<boolean>`tx < (select greatest(event_horizon(), ${String(page.completeTo ?? 0n)}::xid8))`);
  if (filter.clusterId !== undefined) query = query.where('cluster_id', '=', filter.clusterId);
  if (filter.deploymentId !== undefined) query = query.where('deployment_id', '=', filter.deploymentId);
  if (filter.type !== undefined) query = query.where(isOfType(filter.type));
  if (filter.actorId !== undefined) query = query.where('actor_id', '=', filter.actorId);
  if (page.after !== undefined) query = query.where(isAfter(page.after, page.order));
  return query.orderBy('tx', page.order).orderBy('id', page.order).limit(page.limit).execute();
}

function isOfType(type: string): RawBuilder<boolean> {
  const family = familyOf(type);
  return family === null ? sql<boolean>`type = ${type}` : sql<boolean>`starts_with(type, ${family})`;
}

function isAfter(position: EventPosition, order: 'asc' | 'desc'): RawBuilder<boolean> {
  const comparison = order === 'asc' ? sql`>` : sql`<`;
  return sql<boolean>`(tx, id) ${comparison} (${String(position.tx)}::xid8, ${String(position.id)}::bigint)`;
}

const settleCheckMs = 10;

/**
 * Waits until what is committed can be read, so that who changed something and then lists events finds it there: usually
 * not at all, else for the writers of this moment to end, and never longer than `timeoutMs`.
 *
 * @returns up to where the log was complete then. It stays so, although a horizon that is computed later may be an earlier one.
 */
export async function settleEvents(db: Database, scope: Scope, timeoutMs: number): Promise<bigint> {
  const giveUpAt = performance.now() + timeoutMs;
  let seen = await unsettledBefore(db, scope, null);
  const { next } = seen;
  while (seen.isUnsettled && performance.now() < giveUpAt) {
    await sleep(settleCheckMs);
    seen = await unsettledBefore(db, scope, next);
  }
  return BigInt(seen.horizon);
}

/** Whether events of the organization stand behind the horizon, and before the transaction with the number `next`. Null: the next one. */
async function unsettledBefore(db: Database, scope: Scope, next: string | null) {
  const { rows } = await sql<{ horizon: string; next: string; isUnsettled: boolean }>`
    with horizon as materialized (select event_horizon() as tx),
         next as materialized (select coalesce(${next}::xid8, next_transaction_number()) as tx)
    select horizon.tx::text as horizon, next.tx::text as next,
           exists (select 1 from event where organization_id = ${scope.organizationId}
                      and tx >= (select tx from horizon) and tx < (select tx from next)) as "isUnsettled"
      from horizon, next`.execute(db);
  return rows[0] ?? { horizon: '0', next: '0', isUnsettled: false };
}

/**
 * The end of the log as it can be read now: whatever is committed from now on comes after it. Asked twice: a transaction of a neighbour
 * that ends while the horizon is computed counts in it, and where that was a long one, it would be far behind. Of two horizons both hold,
 * and the later one is nearer to the end.
 */
export async function endOfEvents(db: Database): Promise<EventPosition> {
  const [first, second] = [await horizonOf(db), await horizonOf(db)];
  return { tx: first > second ? first : second, id: -1n };
}

async function horizonOf(db: Database): Promise<bigint> {
  const { rows } = await sql<{ horizon: string }>`select event_horizon()::text as horizon`.execute(db);
  return BigInt(rows[0]?.horizon ?? 0);
}

export function positionOf(event: Pick<EventRow, 'tx' | 'id'>): EventPosition {
  return { tx: BigInt(event.tx), id: BigInt(event.id) };
}

/** Less than 0 where a is before b. */
export function comparePositions(a: EventPosition, b: EventPosition): number {
  if (a.tx !== b.tx) return a.tx < b.tx ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}

/** `<tx>-<id>`, as it stands on the wire. */
export function writePosition(position: EventPosition): string {
  return `${position.tx}-${position.id}`;
}

const largestXid8 = 2n ** 64n - 1n;
const largestBigint = 2n ** 63n - 1n;

/** Null for what is no position at all. */
export function readPosition(text: string): EventPosition | null {
  const match = /^(\d{1,20})-(\d{1,19})$/.exec(text);
  if (match === null) return null;
  const tx = BigInt(match[1] ?? '');
  const id = BigInt(match[2] ?? '');
  return tx <= largestXid8 && id <= largestBigint ? { tx, id } : null;
}
