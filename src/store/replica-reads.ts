import { type Selectable, sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { ReplicaStatus } from '../core/progress.ts';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';
import type { RuntimeKind, Tables } from './tables.ts';

/** A replica, and what runs it. */
export type PlacedReplica = Selectable<Tables['replica']> & {
  readonly runtime: RuntimeKind;
  /** Of the engine that somebody added; null: on the installation's own. */
  readonly engine_address: string | null;
};

/** The replicas of one attempt, in order; none before it was admitted. */
export function readReplicas(
  db: Database,
  scope: Scope,
  deploymentId: string,
  attempt: number,
): Promise<PlacedReplica[]> {
  return db
    .selectFrom('replica')
    .selectAll('replica')
    .innerJoin('deployment', 'deployment.id', 'replica.deployment_id')
    .innerJoin('cluster', 'cluster.id', 'deployment.cluster_id')
    .leftJoin('engine', 'engine.id', 'replica.engine_id')
    .select(['cluster.runtime', 'engine.address as engine_address'])
    .where('deployment.organization_id', '=', scope.organizationId)
    .where('replica.deployment_id', '=', deploymentId)
    .where('replica.attempt', '=', attempt)
    .orderBy('replica.index')
    .execute();
}

/** Where the container of a replica is; null: on the installation's own engine, or nowhere. */
export async function engineOfReplica(
  db: Database,
  key: { readonly deploymentId: string; readonly attempt: number; readonly replica: number },
): Promise<string | null> {
  const row = await db
    .selectFrom('replica')
    .select('engine_id')
    .where('deployment_id', '=', key.deploymentId)
    .where('attempt', '=', key.attempt)
    .where('index', '=', key.replica)
    .executeTakeFirst();
  return row?.engine_id ?? null;
}

/** What decides where the log of a replica is to be found. */
export interface LogSource {
  readonly name: string;
  readonly clusterId: string;
  readonly runtime: RuntimeKind;
  readonly status: DeploymentStatus;
  /** The latest attempt. */
  readonly attempt: number;
  readonly replicas: number;
}

export async function readLogSource(db: Database, scope: Scope, deploymentId: string): Promise<LogSource | null> {
  const { rows } = await sql<LogSource>`
    select d.name, d.cluster_id as "clusterId", c.runtime, d.status, d.attempt, d.replicas
      from deployment d join cluster c on c.id = d.cluster_id
     where d.organization_id = ${scope.organizationId} and d.id = ${deploymentId}`.execute(db);
  return rows[0] ?? null;
}

/** The latest run of a replica; 1 where it has not been started yet. The caller has checked that the deployment is one it may see. */
export async function readLatestRun(
  db: Database,
  deploymentId: string,
  { attempt, replica }: { readonly attempt: number; readonly replica: number },
): Promise<number> {
  const row = await db
    .selectFrom('replica')
    .select('run')
    .where('deployment_id', '=', deploymentId)
    .where('attempt', '=', attempt)
    .where('index', '=', replica)
    .executeTakeFirst();
  return row?.run ?? 1;
}

/** Where a replica of the latest attempt is. */
export interface ReplicaPlace {
  readonly clusterId: string;
  readonly runtime: RuntimeKind;
  readonly name: string;
  readonly status: DeploymentStatus;
  readonly attempt: number;
  readonly replicas: number;
  /** Null: it was not admitted, or there is no such replica. */
  readonly replicaStatus: ReplicaStatus | null;
  /** Its present run; null where there is no such replica. */
  readonly run: number | null;
  /** Where its container is; null: on the installation's own engine, or nowhere. */
  readonly engineId: string | null;
}

export async function readReplicaPlace(
  db: Database,
  scope: Scope,
  deploymentId: string,
  replica: number,
): Promise<ReplicaPlace | null> {
  const { rows } = await sql<ReplicaPlace>`
    select d.cluster_id as "clusterId", c.runtime, d.name, d.status, d.attempt, d.replicas, r.status as "replicaStatus", r.run,
           r.engine_id as "engineId"
      from deployment d join cluster c on c.id = d.cluster_id
      left join replica r on r.deployment_id = d.id and r.attempt = d.attempt and r.index = ${replica}
     where d.organization_id = ${scope.organizationId} and d.id = ${deploymentId}`.execute(db);
  return rows[0] ?? null;
}
