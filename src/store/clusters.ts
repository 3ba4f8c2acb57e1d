/** Clusters: made, read, changed. How they are deleted is in transitions.ts. */
import { type RawBuilder, sql } from 'kysely';
import type { Backfill, Resources } from '../core/model.ts';
import { lockCluster, sumUpNodes } from './cluster-row.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type NewEvent } from './events.ts';
import { newId } from './ids.ts';
import { type CreationPage, contains, creationPage, exactTime, type TimeKey } from './keyset.ts';
import { insertNodes, type NewNode } from './nodes.ts';
import type { Actor, Scope } from './scope.ts';
import type { AllowedHostPath, RuntimeKind } from './tables.ts';

export interface NewCluster {
  readonly name: string;
  readonly runtime: RuntimeKind;
  readonly policy: PolicyChange;
  readonly allowedHostPaths: readonly AllowedHostPath[];
  readonly nodes: readonly NewNode[];
  /** The engine of its swarm; null: it is none. */
  readonly swarmId: string | null;
}

/** Undefined: as it is, or the default. */
export interface PolicyChange {
  readonly agingIntervalSeconds?: number | undefined;
  readonly reservationAfterSeconds?: number | undefined;
  readonly preemption?: boolean | undefined;
  readonly preemptionMinRunTimeSeconds?: number | undefined;
  readonly backfill?: Backfill | undefined;
  readonly lostAfterSeconds?: number | undefined;
  /** Null: for ever. */
  readonly retentionSeconds?: number | null | undefined;
}

/** A cluster with its sums over nodes and deployments, all read in one statement: they belong to one instant. */
export interface ClusterRecord {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly runtime: RuntimeKind;
  readonly agingIntervalSeconds: number;
  readonly reservationAfterSeconds: number;
  readonly preemption: boolean;
  readonly preemptionMinRunTimeSeconds: number;
  readonly backfill: Backfill;
  readonly allowedHostPaths: readonly AllowedHostPath[];
  readonly lostAfterSeconds: number;
  /** Null: for ever. */
  readonly retentionSeconds: number | null;
  readonly deleting: boolean;
  readonly reachable: boolean;
  readonly runtimeMessage: string | null;
  readonly version: number;
  readonly createdAt: Date;
  /** Thousandths. */
  readonly total: Resources;
  readonly allocated: Resources;
  readonly queued: number;
  readonly active: number;
  readonly key: TimeKey;
}

export type ClusterChange =
  | { kind: 'done'; cluster: ClusterRecord }
  | { kind: 'unknown' }
  /** The version is not the one that the change was made for. */
  | { kind: 'stale'; version: number }
  /** It is being deleted. */
  | { kind: 'deleting' };

/** Makes a cluster with its nodes. What it has in sum follows from them. A taken name violates `cluster_name`. */
export async function createCluster(
  db: Database,
  scope: Scope,
  cluster: NewCluster,
  actor: Actor,
): Promise<ClusterRecord> {
  const id = newId();
  return db.transaction().execute(async (tx) => {
    await tx
      .insertInto('cluster')
      .values({
        id,
        organization_id: scope.organizationId,
        name: cluster.name,
        ram: 0,
        cpu: 0,
        gpu: 0,
        runtime: cluster.runtime,
        swarm_id: cluster.swarmId,
        allowed_host_paths: JSON.stringify(cluster.allowedHostPaths),
        ...policyColumns(cluster.policy),
      })
      .execute();
    await insertNodes(tx, id, cluster.nodes);
    await sumUpNodes(tx, id);
    await appendEvents(tx, [
      event(scope, id, actor, 'cluster.created', `${cluster.name} was created`, { name: cluster.name }),
    ]);
    return readBack(tx, scope, id);
  });
}

/** Changes name and policy: where `version` is given, only if it is still that one. */
export async function updateCluster(
  db: Database,
  scope: Scope,
  id: string,
  change: {
    name?: string | undefined;
    policy: PolicyChange;
    allowedHostPaths?: readonly AllowedHostPath[] | undefined;
    version: number | undefined;
  },
  actor: Actor,
): Promise<ClusterChange> {
  return db.transaction().execute(async (tx) => {
    const present = await lockCluster(tx, scope, id);
    if (present === undefined) return { kind: 'unknown' };
    if (change.version !== undefined && change.version !== present.version) {
      return { kind: 'stale', version: present.version };
    }
    if (present.deleting) return { kind: 'deleting' };
    const columns = { ...(change.name === undefined ? {} : { name: change.name }), ...policyColumns(change.policy) };
    const paths =
      change.allowedHostPaths === undefined ? {} : { allowed_host_paths: JSON.stringify(change.allowedHostPaths) };
    await tx
      .updateTable('cluster')
      .set({ ...columns, ...paths, version: sql<number>`version + 1` })
      .where('id', '=', id)
      .execute();
    await appendEvents(tx, [
      event(scope, id, actor, 'cluster.updated', `${change.name ?? present.name} was changed`, {
        ...columns,
        ...(change.allowedHostPaths !== undefined && { allowed_host_paths: change.allowedHostPaths }),
      }),
    ]);
    return { kind: 'done', cluster: await readBack(tx, scope, id) };
  });
}

/** Null where there is none in this organization. */
export async function readCluster(db: Database, scope: Scope, id: string): Promise<ClusterRecord | null> {
  const [row] = await selectClusters(db, sql`c.organization_id = ${scope.organizationId} and c.id = ${id}`, sql``);
  return row ?? null;
}

/** None where there is no such cluster in this organization. */
export async function allowedHostPaths(db: Database, scope: Scope, id: string): Promise<readonly AllowedHostPath[]> {
  const row = await db
    .selectFrom('cluster')
    .select('allowed_host_paths')
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.allowed_host_paths ?? [];
}

/** Undefined: any. */
export interface ClusterFilter {
  /** A part of the name, in either case. */
  readonly name: string | undefined;
  readonly runtime: RuntimeKind | undefined;
}

export function listClusters(
  db: Database,
  scope: Scope,
  { name, runtime }: ClusterFilter,
  page: CreationPage,
): Promise<ClusterRecord[]> {
  const { where, order } = creationPage('c', page);
  const ofRuntime = runtime === undefined ? sql`true` : sql`c.runtime = ${runtime}`;
  return selectClusters(
    db,
    sql`c.organization_id = ${scope.organizationId} and ${contains('c.name', name)} and ${ofRuntime} and ${where}`,
    sql`${order} limit ${page.limit}`,
  );
}

interface ClusterRow {
  id: string;
  organization_id: string;
  name: string;
  runtime: RuntimeKind;
  aging_interval_s: number;
  reservation_after_s: number;
  preemption: boolean;
  preemption_min_run_time_s: number;
  backfill: Backfill;
  allowed_host_paths: AllowedHostPath[];
  lost_after_s: number;
  retention_s: number | null;
  deleting: boolean;
  runtime_reachable: boolean;
  runtime_message: string | null;
  version: number;
  created_at: Date;
  created_at_exact: string;
  ram: number;
  cpu: number;
  gpu: number;
  ram_allocated: number;
  cpu_allocated: number;
  gpu_allocated: number;
  queued: string;
  active: string;
}

async function selectClusters(
  db: Database,
  where: RawBuilder<unknown>,
  order: RawBuilder<unknown>,
): Promise<ClusterRecord[]> {
  // Sums of integers below 2^53 are exact as double precision.
  const { rows } = await sql<ClusterRow>`
    select c.id, c.organization_id, c.name, c.runtime, c.aging_interval_s, c.reservation_after_s, c.preemption,
           c.preemption_min_run_time_s, c.backfill, c.retention_s, c.lost_after_s, c.allowed_host_paths, c.deleting, c.runtime_reachable, c.runtime_message, c.version, c.created_at,
           ${exactTime('c.created_at')} as created_at_exact,
           n.ram, n.cpu, n.gpu, n.ram_allocated, n.cpu_allocated, n.gpu_allocated,
           (select count(*) from deployment d where d.cluster_id = c.id and d.status = 'queued') as queued,
           (select count(*) from deployment d where d.cluster_id = c.id and d.status in ('starting', 'running', 'stopping'))
             as active
      from cluster c
      cross join lateral (
        select coalesce(sum(ram), 0)::float8 ram, coalesce(sum(cpu), 0)::float8 cpu, coalesce(sum(gpu), 0)::float8 gpu,
               coalesce(sum(ram_allocated), 0)::float8 ram_allocated, coalesce(sum(cpu_allocated), 0)::float8 cpu_allocated,
               coalesce(sum(gpu_allocated), 0)::float8 gpu_allocated
          from node where cluster_id = c.id) n
     where ${where} ${order}`.execute(db);
  return rows.map(fromRow);
}

function fromRow(row: ClusterRow): ClusterRecord {
  return {
    id: row.id,
    organizationId: row.organization_id,
    name: row.name,
    runtime: row.runtime,
    agingIntervalSeconds: row.aging_interval_s,
    reservationAfterSeconds: row.reservation_after_s,
    preemption: row.preemption,
    preemptionMinRunTimeSeconds: row.preemption_min_run_time_s,
    backfill: row.backfill,
    allowedHostPaths: row.allowed_host_paths,
    lostAfterSeconds: row.lost_after_s,
    retentionSeconds: row.retention_s,
    deleting: row.deleting,
    reachable: row.runtime_reachable,
    runtimeMessage: row.runtime_message,
    version: row.version,
    createdAt: row.created_at,
    total: { ram: row.ram, cpu: row.cpu, gpu: row.gpu },
    allocated: { ram: row.ram_allocated, cpu: row.cpu_allocated, gpu: row.gpu_allocated },
    queued: Number(row.queued),
    active: Number(row.active),
    key: { at: row.created_at_exact, id: row.id },
  };
}

async function readBack(tx: InTransaction, scope: Scope, id: string): Promise<ClusterRecord> {
  const cluster = await readCluster(tx, scope, id);
  if (cluster === null) throw new Error('a cluster that was written is not there');
  return cluster;
}

function policyColumns(policy: PolicyChange) {
  return {
    ...(policy.agingIntervalSeconds === undefined ? {} : { aging_interval_s: policy.agingIntervalSeconds }),
    ...(policy.reservationAfterSeconds === undefined ? {} : { reservation_after_s: policy.reservationAfterSeconds }),
    ...(policy.preemption === undefined ? {} : { preemption: policy.preemption }),
    ...(policy.preemptionMinRunTimeSeconds === undefined
      ? {}
      : { preemption_min_run_time_s: policy.preemptionMinRunTimeSeconds }),
    ...(policy.backfill === undefined ? {} : { backfill: policy.backfill }),
    ...(policy.lostAfterSeconds === undefined ? {} : { lost_after_s: policy.lostAfterSeconds }),
    ...(policy.retentionSeconds === undefined ? {} : { retention_s: policy.retentionSeconds }),
  };
}

function event(
  scope: Scope,
  clusterId: string,
  actor: Actor,
  type: NewEvent['type'],
  message: string,
  data: Record<string, unknown>,
): NewEvent {
  return { organizationId: scope.organizationId, clusterId, type, message, data, actorId: actor.userId };
}
