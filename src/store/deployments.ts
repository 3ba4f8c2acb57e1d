/** Deployments, as people read them. How they are submitted is in submit.ts, how they change state in transitions.ts. */
import { type ExpressionBuilder, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import { dropClaims } from './claims.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type NewEvent } from './events.ts';
import { contains, exactTime, type PageRequest } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import type { DeploymentKind, Tables } from './tables.ts';

export type DeploymentRow = Selectable<Tables['deployment']>;

export interface DeploymentFilter {
  readonly clusterId?: string | undefined;
  readonly statuses?: readonly DeploymentStatus[] | undefined;
  readonly kind?: DeploymentKind | undefined;
  readonly priority?: number | undefined;
  /** Part of the name, in either case. */
  readonly name?: string | undefined;
  readonly submittedBy?: string | undefined;
  readonly arrayId?: string | undefined;
  readonly arrayIndex?: number | undefined;
  /** False: only those that are no element of an array; undefined: all. */
  readonly inArray?: boolean | undefined;
}

export interface DeploymentOrder {
  readonly by: 'created_at' | 'priority';
  readonly direction: 'asc' | 'desc';
}

/** The place of a row in any of the orders. `at` is exact, as text (keyset.ts). */
export interface DeploymentKey {
  readonly priority: number;
  readonly at: string;
  readonly id: string;
}

export type ListedDeployment = DeploymentRow & { created_at_exact: string };

/** One page, by keyset: a deployment that was there all the time is listed exactly once, whatever is submitted meanwhile. */
export function listDeployments(
  db: Database,
  scope: Scope,
  filter: DeploymentFilter,
  order: DeploymentOrder,
  page: PageRequest<DeploymentKey>,
): Promise<ListedDeployment[]> {
  let query = db
    .selectFrom('deployment')
    .selectAll()
    .select(exactTime('created_at').as('created_at_exact'))
    .where('organization_id', '=', scope.organizationId)
    .where((eb) => eb.and(conditions(eb, filter)));
  if (page.after !== undefined) query = query.where(isAfter(order, page.after));
  return inOrder(query, order).limit(page.limit).execute();
}

type Conditions = ExpressionBuilder<Tables, 'deployment'>;

function conditions(eb: Conditions, filter: DeploymentFilter) {
  return [
    ...(filter.clusterId === undefined ? [] : [eb('cluster_id', '=', filter.clusterId)]),
    ...(filter.statuses === undefined ? [] : [eb('status', 'in', filter.statuses)]),
    ...(filter.kind === undefined ? [] : [eb('kind', '=', filter.kind)]),
    ...(filter.priority === undefined ? [] : [eb('priority', '=', filter.priority)]),
    ...(filter.submittedBy === undefined ? [] : [eb('submitted_by', '=', filter.submittedBy)]),
    ...(filter.arrayId === undefined ? [] : [eb('array_id', '=', filter.arrayId)]),
    ...(filter.arrayIndex === undefined ? [] : [eb('array_index', '=', filter.arrayIndex)]),
    ...(filter.inArray === undefined ? [] : [eb('array_id', filter.inArray ? 'is not' : 'is', null)]),
    ...(filter.name === undefined ? [] : [contains('name', filter.name)]),
  ];
}

function isAfter(order: DeploymentOrder, key: DeploymentKey) {
  const comparison = order.direction === 'asc' ? sql`>` : sql`<`;
  return order.by === 'priority'
    ? sql<boolean>`(priority, created_at, id) ${comparison} (${key.priority}, ${key.at}::timestamptz, ${key.id}::uuid)`
    : sql<boolean>`(created_at, id) ${comparison} (${key.at}::timestamptz, ${key.id}::uuid)`;
}

function inOrder<O>(query: SelectQueryBuilder<Tables, 'deployment', O>, order: DeploymentOrder) {
  const first = order.by === 'priority' ? query.orderBy('priority', order.direction) : query;
  return first.orderBy('created_at', order.direction).orderBy('id', order.direction);
}

/** Null where there is none in this organization. */
export async function readDeployment(db: Database, scope: Scope, id: string): Promise<DeploymentRow | null> {
  const row = await db
    .selectFrom('deployment')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

/** Those of the ids that are there, by id. */
export async function readDeployments(
  db: Database,
  scope: Scope,
  ids: readonly string[],
): Promise<Map<string, DeploymentRow>> {
  const rows = await db
    .selectFrom('deployment')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** Names by id, of those that are there: enough for a list of decisions. */
export async function readNames(db: Database, scope: Scope, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('deployment')
    .select(['id', 'name'])
    .where('organization_id', '=', scope.organizationId)
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** Queued ones of a cluster that entered the queue at `since` (milliseconds since the epoch) or later, oldest first. */
export function readQueuedSince(
  db: Database,
  scope: Scope,
  clusterId: string,
  since: number,
  limit: number,
): Promise<DeploymentRow[]> {
  return db
    .selectFrom('deployment')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('cluster_id', '=', clusterId)
    .where('status', '=', 'queued')
    .where('held', '=', false)
    .where(sql<boolean>`queued_at >= to_timestamp(${since}::double precision / 1000)`)
    .orderBy('queued_at')
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** What of a queue is asked for; undefined: all of it. */
export type QueueFilter = Pick<DeploymentFilter, 'submittedBy' | 'name'>;

/** Ids of those of a cluster's queue that the filter lets through. */
export async function readQueuedIds(
  db: Database,
  scope: Scope,
  clusterId: string,
  filter: QueueFilter,
): Promise<Set<string>> {
  const rows = await db
    .selectFrom('deployment')
    .select('id')
    .where('organization_id', '=', scope.organizationId)
    .where('status', '=', 'queued')
    .where((eb) => eb.and(conditions(eb, { ...filter, clusterId })))
    .execute();
  return new Set(rows.map(({ id }) => id));
}

export type PriorityChange =
  | { kind: 'done'; deployment: DeploymentRow }
  | { kind: 'unknown' }
  | { kind: 'conflict'; status: DeploymentStatus }
  /** The version is not the one that the change was made for. */
  | { kind: 'stale'; version: number };

/** Changes the priority of a queued deployment: where `version` is given, only if it is still that one. */
export async function changePriority(
  db: Database,
  scope: Scope,
  id: string,
  change: { priority: number; version: number | undefined },
  actor: Actor,
): Promise<PriorityChange> {
  return db.transaction().execute((tx) => changePriorityIn(tx, scope, id, change, actor));
}

/** The same, as a part of a transaction. */
export async function changePriorityIn(
  tx: InTransaction,
  scope: Scope,
  id: string,
  change: { priority: number; version: number | undefined },
  actor: Actor,
): Promise<PriorityChange> {
  const present = await tx
    .selectFrom('deployment')
    .select(['id', 'name', 'cluster_id', 'status', 'version', 'priority'])
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (present === undefined) return { kind: 'unknown' };
  if (change.version !== undefined && change.version !== present.version) {
    return { kind: 'stale', version: present.version };
  }
  const [deployment] = await changePrioritiesIn(tx, scope, [present], change.priority, actor);
  return deployment === undefined ? { kind: 'conflict', status: present.status } : { kind: 'done', deployment };
}

/** A deployment whose row is locked. */
export type LockedPriority = Pick<DeploymentRow, 'id' | 'name' | 'status' | 'priority' | 'cluster_id'>;

/** The same for several whose rows are locked, as far as they are queued. Returns those. */
export async function changePrioritiesIn(
  tx: InTransaction,
  scope: Scope,
  locked: readonly LockedPriority[],
  priority: number,
  actor: Actor,
): Promise<DeploymentRow[]> {
  const present = locked.filter(({ status }) => status === 'queued');
  const changed = await tx
    .updateTable('deployment')
    .set({ priority, version: sql<number>`version + 1` })
    .where('organization_id', '=', scope.organizationId)
    .where(sql<boolean>`id = any(${present.map(({ id }) => id)}::uuid[])`)
    .where('status', '=', 'queued')
    .returningAll()
    .execute();
  const lessImportant = present.filter((one) => priority > one.priority);
  // Others were stopped for what it was: less important, it may not have been worth it.
  if (lessImportant.length > 0)
    await dropClaims(
      tx,
      lessImportant.map(({ id }) => id),
    );
  await appendEvents(
    tx,
    present.map((one) => priorityChanged(scope, one, priority, actor)),
  );
  return changed;
}

function priorityChanged(scope: Scope, before: LockedPriority, priority: number, actor: Actor): NewEvent {
  return {
    organizationId: scope.organizationId,
    clusterId: before.cluster_id,
    deploymentId: before.id,
    type: 'deployment.priority_changed',
    message: `the priority of ${before.name} was changed from ${before.priority} to ${priority}`,
    data: { from: before.priority, to: priority },
    actorId: actor.userId,
  };
}
