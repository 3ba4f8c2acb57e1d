/** What the control loops read of deployments under way. Not on behalf of a person, and so across organizations. */
import { type Selectable, sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { ReplicaStatus } from '../core/progress.ts';
import type { Database } from './database.ts';
import type { AllowedHostPath, DeviceShareColumn, RuntimeKind, Tables } from './tables.ts';

/** A deployment with what it takes to start, stop or clean up its containers. */
export interface Work {
  readonly deployment: Selectable<Tables['deployment']> & {
    readonly runtime: RuntimeKind;
    readonly allowed_host_paths: readonly AllowedHostPath[];
  };
  readonly replicas: readonly WorkReplica[];
}

export interface WorkReplica {
  readonly index: number;
  readonly status: ReplicaStatus;
  readonly cleaned: boolean;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly devices: readonly DeviceShareColumn[];
  readonly gpu_driver: 'nvidia' | 'none';
}

/**
 * Reads several deployments with the replicas of their present attempt. One that is gone is missing from the map.
 * Amounts are those of the allocation: what was allocated is what the container gets. Ended replicas hold none.
 */
export async function readWork(db: Database, ids: readonly string[]): Promise<Map<string, Work>> {
  const { rows } = await sql<Work['deployment'] & { work_replicas: WorkReplica[] | null }>`
    select d.*, c.runtime, c.allowed_host_paths,
           (select json_agg(json_build_object('index', r.index, 'status', r.status, 'cleaned', r.cleaned,
                     'ram', coalesce(a.ram, 0), 'cpu', coalesce(a.cpu, 0), 'gpu', coalesce(a.gpu, 0), 'devices', r.devices,
                     'gpu_driver', coalesce((select max(g.driver) from gpu_device g where g.node_id = r.node_id), 'none'))
                   order by r.index)
              from replica r left join allocation a on a.deployment_id = r.deployment_id and a.replica = r.index and a.attempt = r.attempt
             where r.deployment_id = d.id and r.attempt = d.attempt) as work_replicas
      from deployment d join cluster c on c.id = d.cluster_id
     where d.id = any(${[...ids]}::uuid[]) order by d.id`.execute(db);
  return new Map(
    rows.map(({ work_replicas, ...deployment }) => [deployment.id, { deployment, replicas: work_replicas ?? [] }]),
  );
}

export interface StuckDeployment {
  readonly id: string;
  readonly attempt: number;
  readonly status: DeploymentStatus;
}

/** Those that should have moved on by now: their task was lost, or could not be carried out. Seconds since the last change. */
export async function readStuck(db: Database, olderThanSeconds: number): Promise<StuckDeployment[]> {
  return db
    .selectFrom('deployment')
    .innerJoin('cluster', 'cluster.id', 'deployment.cluster_id')
    .select(['deployment.id', 'deployment.attempt', 'deployment.status'])
    .where('deployment.status', 'in', ['starting', 'stopping'])
    .where('cluster.runtime_reachable', '=', true)
    .where(sql<boolean>`deployment.changed_at < now() - make_interval(secs => ${olderThanSeconds})`)
    .orderBy('deployment.changed_at')
    .orderBy('deployment.id')
    .limit(1000)
    .execute();
}

/** Deployments whose ended containers are still there, and have been for a while. */
export async function readUncleaned(
  db: Database,
  olderThanSeconds: number,
): Promise<{ id: string; attempt: number }[]> {
  return db
    .selectFrom('replica')
    .select(['deployment_id as id', 'attempt'])
    .distinct()
    .where('status', '=', 'ended')
    .where('cleaned', '=', false)
    .where(sql<boolean>`finished_at < now() - make_interval(secs => ${olderThanSeconds})`)
    .orderBy('deployment_id')
    .orderBy('attempt')
    .limit(500)
    .execute();
}

/** Clusters with a queue: those that a regular pass looks at. */
export async function clustersWithQueue(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select c.id from cluster c
     where exists (select 1 from deployment d where d.cluster_id = c.id and d.status = 'queued') order by c.id`.execute(
    db,
  );
  return rows.map((row) => row.id);
}

const openStatuses = ['queued', 'starting', 'running', 'stopping'] as const;

/** How many there are of each status that is not final, 0 included. */
export async function countOpen(db: Database): Promise<Map<DeploymentStatus, number>> {
  const rows = await db
    .selectFrom('deployment')
    .select(['status', (eb) => eb.fn.countAll<string>().as('count')])
    .where('status', 'in', [...openStatuses])
    .groupBy('status')
    .orderBy('status')
    .execute();
  const counts = new Map(rows.map((row) => [row.status, Number(row.count)]));
  return new Map(openStatuses.map((status) => [status, counts.get(status) ?? 0]));
}

export interface KnownReplica {
  readonly deploymentId: string;
  readonly attempt: number;
  readonly index: number;
  readonly status: ReplicaStatus;
  readonly cleaned: boolean;
  readonly clusterId: string;
}

/** Replicas that reconciliation compares with the engine's listing: those that are not ended, and those of the named deployments. */
export async function readKnownReplicas(
  db: Database,
  runtime: RuntimeKind,
  deploymentIds: readonly string[],
): Promise<KnownReplica[]> {
  const { rows } = await sql<KnownReplica>`
    select r.deployment_id as "deploymentId", r.attempt, r.index, r.status, r.cleaned, d.cluster_id as "clusterId"
      from replica r join deployment d on d.id = r.deployment_id join cluster c on c.id = d.cluster_id
     where c.runtime = ${runtime} and (r.deployment_id = any(${[...deploymentIds]}::uuid[])
        or (r.status <> 'ended' and d.status in ('starting', 'running', 'stopping') and r.attempt = d.attempt))
     order by r.deployment_id, r.attempt, r.index`.execute(db);
  return rows;
}

/** Marks replicas as cleaned up: their logs are kept, their containers are gone. */
export async function markCleaned(db: Database, deploymentId: string, attempt: number, index: number): Promise<void> {
  await db
    .updateTable('replica')
    .set({ cleaned: true })
    .where('deployment_id', '=', deploymentId)
    .where('attempt', '=', attempt)
    .where('index', '=', index)
    .where('status', '=', 'ended')
    .execute();
}

/** Replicas of one attempt that have ended and are not cleaned up. */
export async function readEndedReplicas(db: Database, deploymentId: string, attempt: number) {
  return db
    .selectFrom('replica')
    .innerJoin('deployment', 'deployment.id', 'replica.deployment_id')
    .innerJoin('cluster', 'cluster.id', 'deployment.cluster_id')
    .select(['replica.index', 'deployment.cluster_id', 'cluster.runtime'])
    .where('replica.deployment_id', '=', deploymentId)
    .where('replica.attempt', '=', attempt)
    .where('replica.status', '=', 'ended')
    .where('replica.cleaned', '=', false)
    .orderBy('replica.index')
    .execute();
}

/** Whether there is such a replica, whatever its status. */
export async function isKnownReplica(
  db: Database,
  key: { readonly deploymentId: string; readonly attempt: number; readonly replica: number },
): Promise<boolean> {
  const found = await db
    .selectFrom('replica')
    .select('index')
    .where('deployment_id', '=', key.deploymentId)
    .where('attempt', '=', key.attempt)
    .where('index', '=', key.replica)
    .executeTakeFirst();
  return found !== undefined;
}
