/**
 * What people do to a deployment. Each verb is one statement that repeats the states it may start from, so that of two who
 * race one wins and the other learns the present status; the event is written in the same transaction.
 */
import { type Selectable, sql } from 'kysely';
import { type DeploymentStatus, type FinalStatus, finalStatuses } from '../core/lifecycle.ts';
import { dropClaims } from './claims.ts';
import type { Database, InTransaction } from './database.ts';
import { readDependents, waitAgain } from './dependencies.ts';
import { appendEvents, type EventType } from './events.ts';
import { lockToDelete } from './lock-to-delete.ts';
import type { Actor, Scope } from './scope.ts';
import type { StopIntent, Tables } from './tables.ts';
import { volumeNames } from './volumes.ts';

type DeploymentRow = Selectable<Tables['deployment']>;

export type TransitionOutcome =
  /** `removed`: the row is gone. */
  | { kind: 'done'; deployment: DeploymentRow; removed: boolean }
  | { kind: 'unknown' }
  | { kind: 'conflict'; status: DeploymentStatus }
  | Needed;

/** Others wait for it: by name, at most a few, and how many in all. */
export interface Needed {
  readonly kind: 'needed';
  readonly names: readonly string[];
  readonly count: number;
}

/** One deployment, several, every element of an array, or all that a schedule has submitted. */
export type Which =
  | { readonly id: string }
  | { readonly ids: readonly string[] }
  | { readonly arrayId: string }
  | { readonly scheduleId: string };

function isAmong(which: Which) {
  if ('id' in which) return sql<boolean>`id = ${which.id}`;
  if ('ids' in which) return sql<boolean>`id = any(${[...which.ids]}::uuid[])`;
  return 'arrayId' in which
    ? sql<boolean>`array_id = ${which.arrayId}`
    : sql<boolean>`schedule_id = ${which.scheduleId}`;
}

type Change = (tx: InTransaction) => Promise<DeploymentRow[]>;

/** Withdraws a deployment: a queued one at once, a running one by stopping it. */
export function cancelDeployment(db: Database, scope: Scope, id: string, actor: Actor): Promise<TransitionOutcome> {
  return db.transaction().execute((tx) => cancelIn(tx, scope, id, actor));
}

/** The same, as a part of a transaction. */
export function cancelIn(tx: InTransaction, scope: Scope, id: string, actor: Actor): Promise<TransitionOutcome> {
  return transitionIn(tx, scope, id, cancellationOf(scope, { id }, actor));
}

export function cancellationOf(scope: Scope, which: Which, actor: Actor): Attempted[] {
  return [
    { change: (tx) => cancelQueued(tx, scope, which), event: 'deployment.cancelled', actor },
    { change: (tx) => beginStopping(tx, scope, which, 'cancel'), event: 'deployment.stopping', actor },
  ];
}

/** Stops what is starting or running. A queued one is a conflict: it is cancelled, not stopped. */
export function stopDeployment(db: Database, scope: Scope, id: string, actor: Actor): Promise<TransitionOutcome> {
  return transition(db, scope, id, stopOf(scope, { id }, actor));
}

export function stopOf(scope: Scope, which: Which, actor: Actor): Attempted[] {
  return [{ change: (tx) => beginStopping(tx, scope, which, 'stop'), event: 'deployment.stopping', actor }];
}

/** Queues a finished deployment again, as a new attempt with a new age. What it waited for in vain is looked at again. */
export function retryDeployment(db: Database, scope: Scope, id: string, actor: Actor): Promise<TransitionOutcome> {
  return transition(db, scope, id, retryOf(scope, { id }, actor));
}

export function retryOf(
  scope: Scope,
  which: Which,
  actor: Actor,
  from: readonly FinalStatus[] = finalStatuses,
): Attempted[] {
  return [{ change: (tx) => queueAgain(tx, scope, which, from), event: 'deployment.retried', actor }];
}

/**
 * Deletes a queued or finished one at once; an active one is stopped, and its row goes when the last container has ended. One that
 * others wait for stays, unless forced: those others are skipped then.
 */
export async function deleteDeployment(
  db: Database,
  scope: Scope,
  id: string,
  actor: Actor,
  { force } = { force: false },
): Promise<TransitionOutcome> {
  const unlessNeeded = force ? undefined : (tx: InTransaction) => readDependents(tx, scope, { deploymentId: id });
  const removed = await transition(db, scope, id, deletionOf(scope, { id }, actor), unlessNeeded);
  if (removed.kind !== 'done') return removed;
  return { ...removed, removed: !removed.deployment.delete_when_ended };
}

export function deletionOf(scope: Scope, which: Which, actor: Actor): Attempted[] {
  return [
    { change: (tx) => deleteIdle(tx, scope, which), event: 'deployment.deleted', actor },
    {
      change: (tx) => beginStopping(tx, scope, which, 'cancel', { thenDelete: true }),
      event: 'deployment.stopping',
      actor,
    },
    { change: (tx) => markForDeletion(tx, scope, which), event: null, actor },
  ];
}

export type ArrayTransition =
  /** Those that were changed; fewer than the array has, where some were past it. */
  { kind: 'done'; deployments: readonly DeploymentRow[] } | { kind: 'unknown' } | { kind: 'cluster_deleting' } | Needed;

/** Withdraws all of an array that is not over. */
export function cancelArray(db: Database, scope: Scope, arrayId: string, actor: Actor): Promise<ArrayTransition> {
  return transitionAll(db, scope, arrayId, cancellationOf(scope, { arrayId }, actor));
}

/** Withdraws what a schedule has submitted and is not over: its next run takes their place. Returns those that are being stopped. */
export async function cancelRunsOf(
  tx: InTransaction,
  scope: Scope,
  scheduleId: string,
  actor: Actor,
): Promise<DeploymentRow[]> {
  const which = { scheduleId };
  await sql`
    select 1 from deployment where schedule_id = ${scheduleId} and status in ('queued', 'starting', 'running', 'stopping')
     order by id for update`.execute(tx);
  const why = 'its schedule replaces it by the next run';
  const cancelled = await cancelQueued(tx, scope, which, why);
  await tell(tx, cancelled, 'deployment.cancelled', actor, why);
  const stopping = await beginStopping(tx, scope, which, 'cancel');
  await tell(tx, stopping, 'deployment.stopping', actor, why);
  await dropClaims(
    tx,
    [...cancelled, ...stopping].map(({ id }) => id),
  );
  return stopping;
}

/** Queues again what of an array has ended without success. */
export function retryArray(db: Database, scope: Scope, arrayId: string, actor: Actor): Promise<ArrayTransition> {
  const inVain = finalStatuses.filter((status) => status !== 'succeeded');
  return transitionAll(db, scope, arrayId, retryOf(scope, { arrayId }, actor, inVain));
}

/** Deletes an array with all of its elements, those that are active as soon as they have stopped. */
export function deleteArray(
  db: Database,
  scope: Scope,
  arrayId: string,
  actor: Actor,
  { force } = { force: false },
): Promise<ArrayTransition> {
  const unlessNeeded = force ? undefined : (tx: InTransaction) => readDependents(tx, scope, { arrayId });
  return transitionAll(db, scope, arrayId, deletionOf(scope, { arrayId }, actor), unlessNeeded);
}

/** Each change to all that it applies to. The elements are locked first, in the order of ids, as everybody locks deployments. */
async function transitionAll(
  db: Database,
  scope: Scope,
  arrayId: string,
  attempts: readonly Attempted[],
  unlessNeeded?: UnlessNeeded,
): Promise<ArrayTransition> {
  return db.transaction().execute(async (tx) => {
    const { rows: found } = await sql<{ deleting: boolean }>`
      select c.deleting from deployment_array a join cluster c on c.id = a.cluster_id
       where a.organization_id = ${scope.organizationId} and a.id = ${arrayId}`.execute(tx);
    if (found[0] === undefined) return { kind: 'unknown' };
    if (found[0].deleting) return { kind: 'cluster_deleting' };
    await sql`select 1 from deployment where array_id = ${arrayId} order by id for update`.execute(tx);
    const needed = await unlessNeeded?.(tx);
    if (needed !== undefined && needed.count > 0) return { kind: 'needed', ...needed };
    return { kind: 'done', deployments: await changeAll(tx, attempts) };
  });
}

/** Each change to all that it applies to, in turn. Their rows are locked. Returns those that were changed. */
export async function changeAll(tx: InTransaction, attempts: readonly Attempted[]): Promise<DeploymentRow[]> {
  const changed = new Map<string, DeploymentRow>();
  for (const { change, event, actor } of attempts) {
    const rows = (await change(tx)).filter(({ id }) => !changed.has(id));
    for (const row of rows) changed.set(row.id, row);
    if (event !== null) await tell(tx, rows, event, actor);
  }
  await dropClaims(tx, [...changed.keys()]);
  return [...changed.values()];
}

/** Who waits for what is to be deleted, asked with its row locked: nobody can begin to wait for it afterwards. */
type UnlessNeeded = (tx: InTransaction) => Promise<Omit<Needed, 'kind'>>;

export interface Attempted {
  readonly change: Change;
  readonly event: EventType | null;
  readonly actor: Actor;
}

/** Tries the changes in turn, the first that applies counts; says why where none does. */
async function transition(
  db: Database,
  scope: Scope,
  id: string,
  attempts: readonly Attempted[],
  unlessNeeded?: UnlessNeeded,
): Promise<TransitionOutcome> {
  return db.transaction().execute(async (tx) => {
    if (unlessNeeded !== undefined) {
      await sql`select 1 from deployment where organization_id = ${scope.organizationId} and id = ${id} for update`.execute(
        tx,
      );
      const needed = await unlessNeeded(tx);
      if (needed.count > 0) return { kind: 'needed', ...needed };
    }
    return transitionIn(tx, scope, id, attempts);
  });
}

async function transitionIn(
  tx: InTransaction,
  scope: Scope,
  id: string,
  attempts: readonly Attempted[],
): Promise<TransitionOutcome> {
  const done = await firstOf(tx, id, attempts);
  if (done !== null) return done;
  const row = await tx
    .selectFrom('deployment')
    .select('status')
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (row === undefined) return { kind: 'unknown' };
  // Between two attempts it may have become what the one before asks for: once more, while nobody changes it.
  return (await firstOf(tx, id, attempts)) ?? { kind: 'conflict', status: row.status };
}

/** The first that fits the deployment as it is. Null where none does. */
async function firstOf(
  tx: InTransaction,
  id: string,
  attempts: readonly Attempted[],
): Promise<TransitionOutcome | null> {
  for (const { change, event, actor } of attempts) {
    const [deployment] = await change(tx);
    if (deployment === undefined) continue;
    // What was kept for it while it waited is not its own any more.
    await dropClaims(tx, [id]);
    if (event !== null) await tell(tx, [deployment], event, actor);
    return { kind: 'done', deployment, removed: false };
  }
  return null;
}

const messages: Partial<Record<EventType, string>> = {
  'deployment.cancelled': 'cancelled by a user',
  'deployment.stopping': 'stopping at the request of a user',
  'deployment.retried': 'queued again by a user',
  'deployment.deleted': 'deleted by a user',
};

async function tell(
  tx: InTransaction,
  deployments: readonly DeploymentRow[],
  type: EventType,
  actor: Actor,
  message = messages[type] ?? type,
): Promise<void> {
  await appendEvents(
    tx,
    deployments.map((deployment) => ({
      organizationId: deployment.organization_id,
      clusterId: deployment.cluster_id,
      deploymentId: deployment.id,
      type,
      message,
      data: { status: deployment.status, attempt: deployment.attempt },
      actorId: actor.userId,
    })),
  );
}

function cancelQueued(tx: InTransaction, scope: Scope, which: Which, reason = 'cancelled by a user before it started') {
  return tx
    .updateTable('deployment')
    .set({
      status: 'cancelled',
      reason_code: 'cancelled',
      reason,
      finished_at: sql<Date>`now()`,
      changed_at: sql<Date>`now()`,
      version: sql<number>`version + 1`,
    })
    .where('organization_id', '=', scope.organizationId)
    .where(isAmong(which))
    .where('status', '=', 'queued')
    .returningAll()
    .execute();
}

function beginStopping(
  tx: InTransaction,
  scope: Scope,
  which: Which,
  intent: StopIntent,
  options = { thenDelete: false },
) {
  return tx
    .updateTable('deployment')
    .set({
      status: 'stopping',
      stop_intent: intent,
      reason_code: 'stopping',
      reason: 'stopping at the request of a user',
      delete_when_ended: options.thenDelete,
      changed_at: sql<Date>`now()`,
      version: sql<number>`version + 1`,
    })
    .where('organization_id', '=', scope.organizationId)
    .where(isAmong(which))
    .where(isStoppable)
    .returningAll()
    .execute();
}

/** Also what is being stopped to be queued again, or may be: whoever asks for its end now has the last word. */
const isStoppable = sql<boolean>`(status in ('starting', 'running') or (status = 'stopping' and (stop_intent in ('preempted', 'drained')
  or (stop_intent in ('replica_failed', 'time_limit') and retries_used < coalesce((retry ->> 'limit')::int, 0)))))`;

function markForDeletion(tx: InTransaction, scope: Scope, which: Which) {
  return tx
    .updateTable('deployment')
    .set({ delete_when_ended: true, version: sql<number>`version + 1` })
    .where('organization_id', '=', scope.organizationId)
    .where(isAmong(which))
    .where('status', '=', 'stopping')
    .returningAll()
    .execute();
}

/** Dependencies that were met stay so; those that could not be met wait again. */
async function queueAgain(tx: InTransaction, scope: Scope, which: Which, from: readonly FinalStatus[]) {
  const again = await tx
    .updateTable('deployment')
    .set({
      status: 'queued',
      attempt: sql<number>`attempt + 1`,
      reason_code: 'retried',
      reason: 'queued again by a user',
      exit_code: null,
      stop_intent: null,
      skip_chain: null,
      unmet_dependencies: sql<number>`(select count(*) from dependency x where x.deployment_id = deployment.id and x.state <> 'met')`,
      array_held: sql<boolean>`exists (select 1 from deployment_array a where a.id = deployment.array_id and a.parallel is not null)`,
      retries_used: 0,
      queued_at: sql<Date>`now()`,
      admitted_at: null,
      started_at: null,
      finished_at: null,
      changed_at: sql<Date>`now()`,
      version: sql<number>`version + 1`,
    })
    .where('organization_id', '=', scope.organizationId)
    .where(isAmong(which))
    .where('status', 'in', from)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('cluster')
            .select('id')
            .whereRef('cluster.id', '=', 'deployment.cluster_id')
            .where('deleting', '=', true),
        ),
      ),
    )
    .returningAll()
    .execute();
  await waitAgain(
    tx,
    again.map(({ id }) => id),
  );
  return again;
}

function deleteIdle(tx: InTransaction, scope: Scope, which: Which) {
  return tx
    .deleteFrom('deployment')
    .where('organization_id', '=', scope.organizationId)
    .where(isAmong(which))
    .where('status', 'in', ['queued', ...finalStatuses])
    .returningAll()
    .execute();
}

/** Puts those that ran past their declared limit to `stopping`. Returns whom to stop. */
export async function stopOverdue(db: Database): Promise<{ id: string; attempt: number }[]> {
  return db.transaction().execute(async (tx) => {
    const rows = await tx
      .updateTable('deployment')
      .set({
        status: 'stopping',
        stop_intent: 'time_limit',
        reason_code: 'time_limit',
        reason: sql<string>`'reached its time limit of ' || time_limit_s || ' s'`,
        changed_at: sql<Date>`now()`,
        version: sql<number>`version + 1`,
      })
      .where('status', '=', 'running')
      .where(sql<boolean>`started_at + make_interval(secs => time_limit_s) <= now()`)
      .returningAll()
      .execute();
    for (const row of rows) {
      await appendEvents(tx, [
        {
          organizationId: row.organization_id,
          clusterId: row.cluster_id,
          deploymentId: row.id,
          type: 'deployment.stopping',
          message: row.reason ?? '',
        },
      ]);
    }
    return rows.map(({ id, attempt }) => ({ id, attempt }));
  });
}

export type ClusterDeletion =
  | { kind: 'deleted' }
  | { kind: 'deleting'; stopping: { id: string; attempt: number }[] }
  | { kind: 'unknown' }
  | { kind: 'conflict'; active: number }
  /** What they hold would be lost: that is for people to say, one by one. */
  | { kind: 'has_volumes'; names: readonly string[] };

/**
 * Deletes a cluster. With deployments queued or active it is a conflict, unless forced: then the queued ones are cancelled,
 * the active ones stopped, and `removeDeletedClusters` takes the row away after the last of them.
 */
export async function deleteCluster(
  db: Database,
  scope: Scope,
  id: string,
  options: { force: boolean },
  actor: Actor,
): Promise<ClusterDeletion> {
  return db.transaction().execute(async (tx) => {
    // FOR UPDATE also waits for submissions under way: they hold the row by their foreign key.
    const cluster = await tx
      .selectFrom('cluster')
      .select(['id', 'name'])
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (cluster === undefined) return { kind: 'unknown' };
    const names = await volumeNames(tx, scope, id);
    if (names.length > 0) return { kind: 'has_volumes', names };
    const { count } = await tx
      .selectFrom('deployment')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('cluster_id', '=', id)
      .where('status', 'in', ['queued', 'starting', 'running', 'stopping'])
      .executeTakeFirstOrThrow();
    const active = Number(count);
    if (active > 0 && !options.force) return { kind: 'conflict', active };
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        clusterId: id,
        type: 'cluster.deleted',
        message:
          active > 0
            ? `${cluster.name} is being deleted, ${active} deployments are stopped`
            : `${cluster.name} was deleted`,
        actorId: actor.userId,
      },
    ]);
    if (active === 0) {
      await removeCluster(tx, id);
      return { kind: 'deleted' };
    }
    return emptyCluster(tx, id, actor);
  });
}

async function emptyCluster(tx: InTransaction, id: string, actor: Actor): Promise<ClusterDeletion> {
  await tx
    .updateTable('cluster')
    .set({ deleting: true, version: sql<number>`version + 1` })
    .where('id', '=', id)
    .execute();
  const cancelled = await tx
    .updateTable('deployment')
    .set({
      status: 'cancelled',
      reason_code: 'cluster_deleted',
      reason: 'cancelled because its cluster was deleted',
      finished_at: sql<Date>`now()`,
      changed_at: sql<Date>`now()`,
      version: sql<number>`version + 1`,
    })
    .where('cluster_id', '=', id)
    .where('status', '=', 'queued')
    .returningAll()
    .execute();
  await tx.deleteFrom('claim').where('cluster_id', '=', id).execute();
  const stopping = await tx
    .updateTable('deployment')
    .set({
      status: 'stopping',
      stop_intent: 'cluster_deleted',
      reason_code: 'cluster_deleted',
      reason: 'stopping because its cluster is being deleted',
      changed_at: sql<Date>`now()`,
      version: sql<number>`version + 1`,
    })
    .where('cluster_id', '=', id)
    .where(isStoppable)
    .returningAll()
    .execute();
  await appendEvents(
    tx,
    [...cancelled, ...stopping].map((row) => ({
      organizationId: row.organization_id,
      clusterId: id,
      deploymentId: row.id,
      type: row.status === 'cancelled' ? ('deployment.cancelled' as const) : ('deployment.stopping' as const),
      message: row.reason ?? '',
      actorId: actor.userId,
    })),
  );
  return { kind: 'deleting', stopping: stopping.map((row) => ({ id: row.id, attempt: row.attempt })) };
}

async function removeCluster(tx: InTransaction, id: string): Promise<void> {
  await lockToDelete(tx, sql<boolean>`d.cluster_id = ${id}`);
  await tx.deleteFrom('deployment').where('cluster_id', '=', id).execute();
  await tx.deleteFrom('cluster').where('id', '=', id).execute();
}

/** Takes away clusters that were being deleted and have nothing active any more. Returns how many. */
export async function removeDeletedClusters(db: Database): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const empty = await tx
      .selectFrom('cluster')
      .select(['id', 'name', 'organization_id'])
      .where('deleting', '=', true)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('deployment')
              .select('deployment.id')
              .whereRef('deployment.cluster_id', '=', 'cluster.id')
              .where('status', 'in', ['queued', 'starting', 'running', 'stopping']),
          ),
        ),
      )
      .orderBy('id')
      .forUpdate()
      .execute();
    for (const { id } of empty) await removeCluster(tx, id);
    await appendEvents(
      tx,
      empty.map(({ id, name, organization_id: organizationId }) => ({
        organizationId,
        clusterId: id,
        type: 'cluster.removed' as const,
        message: `${name} is gone: nothing of it runs any more`,
      })),
    );
    return empty.length;
  });
}
