/**
 * Maintenance windows. Until one begins, only the planner knows of it (src/core/windows.ts). When it begins, its nodes are drained of
 * what is left; when it ends, those that it closed are opened again. Level-triggered, by the sweep.
 */
import { type Selectable, sql } from 'kysely';
import type { Window } from '../core/model.ts';
import { dropClaimsOnNode } from './claims.ts';
import { lockCluster } from './cluster-row.ts';
import type { Database, InTransaction } from './database.ts';
import { endDrain } from './drain.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import type { Actor, Scope } from './scope.ts';
import type { Tables } from './tables.ts';

export type MaintenanceRow = Selectable<Tables['maintenance_window']>;

export interface NewMaintenance {
  /** Null: all nodes of the cluster. */
  readonly nodeId: string | null;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly reason: string;
}

/** Null where there is no such cluster or node. */
export async function planMaintenance(
  db: Database,
  scope: Scope,
  clusterId: string,
  window: NewMaintenance,
  actor: Actor,
): Promise<MaintenanceRow | null> {
  return db.transaction().execute(async (tx) => {
    const cluster = await lockCluster(tx, scope, clusterId);
    if (cluster === undefined) return null;
    const { rows: nodes } = await sql<{ id: string; name: string }>`
      select id, name from node where cluster_id = ${clusterId} and (${window.nodeId}::uuid is null or id = ${window.nodeId})
       order by id`.execute(tx);
    if (nodes.length === 0) return null;
    const row = await tx
      .insertInto('maintenance_window')
      .values({
        id: newId(),
        organization_id: scope.organizationId,
        cluster_id: clusterId,
        node_id: window.nodeId,
        starts_at: window.startsAt,
        ends_at: window.endsAt,
        reason: window.reason,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    // Whoever claimed a place there may not be done in time: it is decided anew.
    for (const { id } of nodes) await dropClaimsOnNode(tx, clusterId, id);
    const name = window.nodeId === null ? cluster.name : (nodes[0]?.name ?? '');
    const from = window.startsAt.toISOString();
    await tell(tx, row, 'maintenance.planned', `maintenance of ${name} is planned from ${from}`, actor);
    return row;
  });
}

/** Those that are not over, the next first. */
export async function listMaintenance(db: Database, scope: Scope, clusterId: string): Promise<MaintenanceRow[]> {
  return db
    .selectFrom('maintenance_window')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('cluster_id', '=', clusterId)
    .where('ended_at', 'is', null)
    .orderBy('starts_at')
    .orderBy('id')
    .limit(1000)
    .execute();
}

/** Calls it off, or ends it now. False where there is none. */
export async function deleteMaintenance(
  db: Database,
  scope: Scope,
  clusterId: string,
  id: string,
  actor: Actor,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    if ((await lockCluster(tx, scope, clusterId)) === undefined) return false;
    const row = await tx
      .selectFrom('maintenance_window')
      .selectAll()
      .where('cluster_id', '=', clusterId)
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .executeTakeFirst();
    if (row === undefined) return false;
    await openAgain(tx, row);
    await tx.deleteFrom('maintenance_window').where('id', '=', id).execute();
    await tell(tx, row, 'maintenance.deleted', 'maintenance was called off', actor);
    return true;
  });
}

/** Begins and ends what is due. Returns the clusters whose nodes were opened: what waits may fit there. */
export async function turnMaintenance(db: Database): Promise<string[]> {
  const { rows: due } = await sql<{ id: string; cluster_id: string }>`
    select id, cluster_id from maintenance_window
     where ended_at is null and starts_at <= now() and (begun_at is null or ends_at <= now()) order by cluster_id, id`.execute(
    db,
  );
  const opened = new Set<string>();
  for (const { id, cluster_id: clusterId } of due) if (await turn(db, clusterId, id)) opened.add(clusterId);
  return [...opened];
}

/** True where it ended. */
async function turn(db: Database, clusterId: string, id: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    await sql`select 1 from cluster where id = ${clusterId} for no key update`.execute(tx);
    const { rows } = await sql<MaintenanceRow & { is_over: boolean }>`
      select *, ends_at <= now() as is_over from maintenance_window where id = ${id} and ended_at is null`.execute(tx);
    const [row] = rows;
    if (row === undefined) return false;
    if (!row.is_over) {
      await close(tx, row);
      return false;
    }
    await openAgain(tx, row);
    await tx.updateTable('maintenance_window').set({ ended_at: sql<Date>`now()` }).where('id', '=', id).execute();
    await tell(tx, row, 'maintenance.ended', 'maintenance is over');
    return true;
  });
}

const isOf = ({ cluster_id: clusterId, node_id: nodeId }: MaintenanceRow) =>
  sql`n.cluster_id = ${clusterId} and (${nodeId}::uuid is null or n.id = ${nodeId})`;

/** What a person had closed before stays closed afterwards. */
async function close(tx: InTransaction, row: MaintenanceRow): Promise<void> {
  await sql`
    update node n set maintenance_id = case when schedulable then ${row.id}::uuid else maintenance_id end, schedulable = false,
           draining_since = coalesce(draining_since, now()), drain_jobs = 'stop', drain_deadline = now()
     where ${isOf(row)}`.execute(tx);
  await tx.updateTable('maintenance_window').set({ begun_at: sql<Date>`now()` }).where('id', '=', row.id).execute();
  await tell(tx, row, 'maintenance.begun', `maintenance has begun${row.reason === '' ? '' : `: ${row.reason}`}`);
}

/** Opens those that it closed; where another window is under way, that one closes them from now on. */
async function openAgain(tx: InTransaction, row: MaintenanceRow): Promise<void> {
  await sql`
    update node n set maintenance_id = (
        select w.id from maintenance_window w
         where w.cluster_id = n.cluster_id and (w.node_id is null or w.node_id = n.id) and w.id <> ${row.id}
           and w.begun_at is not null and w.ended_at is null and w.ends_at > now() order by w.ends_at desc, w.id limit 1)
     where ${isOf(row)} and n.maintenance_id = ${row.id}
       and exists (
        select 1 from maintenance_window w
         where w.cluster_id = n.cluster_id and (w.node_id is null or w.node_id = n.id) and w.id <> ${row.id}
           and w.begun_at is not null and w.ended_at is null and w.ends_at > now())`.execute(tx);
  const { rows } = await sql<{ id: string }>`
    select n.id from node n where n.maintenance_id = ${row.id} order by n.id`.execute(tx);
  await endDrain(
    tx,
    rows.map(({ id }) => id),
  );
}

/** Of one cluster: those that are not over, by node; those of all nodes under null. */
export async function readWindows(db: Database, clusterId: string): Promise<Map<string | null, Window[]>> {
  const { rows } = await sql<{ node_id: string | null; from_ms: string; to_ms: string }>`
    select node_id, floor(extract(epoch from starts_at) * 1000)::bigint as from_ms, ceil(extract(epoch from ends_at) * 1000)::bigint as to_ms
      from maintenance_window where cluster_id = ${clusterId} and ended_at is null order by starts_at, id`.execute(db);
  const windows = new Map<string | null, Window[]>();
  for (const { node_id: nodeId, from_ms: from, to_ms: to } of rows) {
    const of = windows.get(nodeId) ?? [];
    windows.set(nodeId, [...of, { from: Number(from), to: Number(to) }]);
  }
  return windows;
}

async function tell(
  tx: InTransaction,
  row: MaintenanceRow,
  type: EventType,
  message: string,
  actor: Actor = { userId: null },
): Promise<void> {
  await appendEvents(tx, [
    {
      organizationId: row.organization_id,
      clusterId: row.cluster_id,
      type,
      message,
      data: {
        maintenance_id: row.id,
        node_id: row.node_id,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        reason: row.reason,
      },
      actorId: actor.userId,
    },
  ]);
}
