/** What the control loops read of deployments under way. Not on behalf of a person, and so across organizations. */
import { type Selectable, sql } from 'kysely';
import type { ReplicaStatus } from '../core/lifecycle.ts';
import type { ContainerKey } from '../runtimes/runtime.ts';
import type { Database } from './database.ts';
import type { AllowedHostPath, DeviceShareColumn, RevisionSpec, RuntimeKind, Tables } from './tables.ts';

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
  readonly run: number;
  readonly status: ReplicaStatus;
  readonly cleaned: boolean;
  /** What its revision says; null where its deployment was never updated. */
  readonly spec: RevisionSpec | null;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly devices: readonly DeviceShareColumn[];
  readonly gpu_driver: 'nvidia' | 'none';
  /** Where its container is; null: on the installation's own engine. */
  readonly engine_id: string | null;
  /** Whether that engine answered when it was last looked at. */
  readonly reachable: boolean;
}

/**
 * Reads several deployments with the replicas of their present attempt. One that is gone is missing from the map.
 * Amounts are those of the allocation: what was allocated is what the container gets. Ended replicas hold none.
 */
export async function readWork(db: Database, ids: readonly string[]): Promise<Map<string, Work>> {
  const { rows } = await sql<Work['deployment'] & { work_replicas: WorkReplica[] | null }>`
    select d.*, c.runtime, c.allowed_host_paths,
           (select json_agg(json_build_object('index', r.index, 'run', r.run, 'status', r.status, 'spec', v.spec, 'cleaned', r.cleaned,
                     'ram', coalesce(a.ram, 0), 'cpu', coalesce(a.cpu, 0), 'gpu', coalesce(a.gpu, 0), 'devices', r.devices,
                     'gpu_driver', coalesce((select max(g.driver) from gpu_device g where g.node_id = r.node_id), 'none'),
                     'engine_id', r.engine_id,
                     'reachable', coalesce((select n.reachable from node n where n.id = r.node_id), true))
                   order by r.index)
              from replica r left join allocation a on a.deployment_id = r.deployment_id and a.replica = r.index and a.attempt = r.attempt and not a.next
                   left join revision v on v.deployment_id = r.deployment_id and v.revision = r.revision
             where r.deployment_id = d.id and r.attempt = d.attempt) as work_replicas
      from deployment d join cluster c on c.id = d.cluster_id
     where d.id = any(${[...ids]}::uuid[]) order by d.id`.execute(db);
  return new Map(
    rows.map(({ work_replicas, ...deployment }) => [deployment.id, { deployment, replicas: work_replicas ?? [] }]),
  );
}

interface StuckDeployment {
  readonly id: string;
  readonly attempt: number;
  readonly task: 'start' | 'stop' | 'replace';
}

/** Of a replica `r`: does its engine answer, as far as anybody knows? */
const onReachable = sql<boolean>`coalesce((select n.reachable from node n where n.id = r.node_id), true)`;

/**
 * Those that should have moved on by now, themselves or a replica of theirs: their task was lost, or could not be carried out. Seconds since the last change. Where no
 * engine of theirs answers, there is nothing to be done.
 */
export async function readStuck(db: Database, olderThanSeconds: number): Promise<StuckDeployment[]> {
  const { rows } = await sql<StuckDeployment>`
    select id, attempt, task from (
      select d.id, d.attempt, case when d.status = 'starting' then 'start' else 'stop' end as task, d.changed_at from deployment d
       where d.status in ('starting', 'stopping') and d.changed_at < now() - make_interval(secs => ${olderThanSeconds})
         and exists (select 1 from replica r where r.deployment_id = d.id and r.attempt = d.attempt and r.status <> 'ended'
                        and (r.status = 'restarting' or ${onReachable}))
      union all
      select d.id, d.attempt, case when r.status = 'starting' then 'start' else 'replace' end, min(r.changed_at)
        from replica r join deployment d on d.id = r.deployment_id and d.attempt = r.attempt
       where r.status in ('starting', 'replacing', 'removing') and d.status = 'running'
         and r.changed_at < now() - make_interval(secs => ${olderThanSeconds}) and ${onReachable}
       group by 1, 2, 3) stuck
     order by changed_at, id, task limit 1000`.execute(db);
  return rows;
}

/** Deployments whose ended containers are still there, and have been for a while, on engines that answer. */
export async function readUncleaned(
  db: Database,
  olderThanSeconds: number,
): Promise<{ id: string; attempt: number }[]> {
  const { rows } = await sql<{ id: string; attempt: number }>`
    select r.deployment_id as id, r.attempt from replica r
     where r.status = 'ended' and not r.cleaned and r.finished_at < now() - make_interval(secs => ${olderThanSeconds})
       and ${onReachable}
    union
    select old.deployment_id, old.attempt from replica_run old join replica r using (deployment_id, attempt, index)
     where not old.cleaned and old.finished_at < now() - make_interval(secs => ${olderThanSeconds}) and ${onReachable}
     order by 1, 2 limit 500`.execute(db);
  return rows;
}

/** Clusters with a queue: those that a regular pass looks at. */
export async function clustersWithQueue(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select c.id from cluster c
     where exists (select 1 from deployment d where d.cluster_id = c.id and d.status = 'queued' and not d.held) order by c.id`.execute(
    db,
  );
  return rows.map((row) => row.id);
}

export interface KnownReplica {
  readonly deploymentId: string;
  readonly attempt: number;
  readonly index: number;
  readonly run: number;
  readonly status: ReplicaStatus;
  readonly cleaned: boolean;
  readonly clusterId: string;
  /** False where its container should be on another engine. */
  readonly isHere: boolean;
}

/** One engine: one that somebody added, or (null) the installation's own of that runtime. */
export interface EngineKey {
  readonly runtime: RuntimeKind;
  readonly engineId: string | null;
}

/**
 * Runs that reconciliation compares with an engine's listing: those there that are not ended, and all of the named deployments. A
 * replica that waits for its next start has none but those before.
 */
export async function readKnownReplicas(
  db: Database,
  { runtime, engineId }: EngineKey,
  deploymentIds: readonly string[],
): Promise<KnownReplica[]> {
  const { rows } = await sql<KnownReplica>`
    select r.deployment_id as "deploymentId", r.attempt, r.index, r.run, r.status, r.cleaned, d.cluster_id as "clusterId",
           r.engine_id is not distinct from ${engineId}::uuid as "isHere"
      from replica r join deployment d on d.id = r.deployment_id join cluster c on c.id = d.cluster_id
     where c.runtime = ${runtime} and r.status <> 'restarting' and (r.deployment_id = any(${[...deploymentIds]}::uuid[])
        or (r.status <> 'ended' and r.engine_id is not distinct from ${engineId}::uuid and d.status in ('starting', 'running', 'stopping') and r.attempt = d.attempt))
    union all
    select r.deployment_id, r.attempt, r.index, r.run, 'ended', r.cleaned, d.cluster_id, r.engine_id is not distinct from ${engineId}::uuid
      from replica_run r join deployment d on d.id = r.deployment_id join cluster c on c.id = d.cluster_id
     where c.runtime = ${runtime} and r.deployment_id = any(${[...deploymentIds]}::uuid[])
     order by 1, 2, 3, 4`.execute(db);
  return rows;
}

/** Whether the replica was placed on that engine. */
export async function isPlacedOn(
  db: Database,
  engineId: string,
  key: { readonly deploymentId: string; readonly attempt: number; readonly replica: number },
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from replica where deployment_id = ${key.deploymentId} and attempt = ${key.attempt} and index = ${key.replica}
       and engine_id = ${engineId}`.execute(db);
  return rows.length > 0;
}

export interface LostReplica {
  readonly deploymentId: string;
  readonly attempt: number;
  readonly index: number;
  readonly run: number;
  readonly nodeName: string;
}

/** Replicas that are given up: on nodes whose engine has not answered for longer than their cluster waits (seconds). */
export async function readLostReplicas(
  db: Database,
  { runtime, engineId }: EngineKey,
  silentSeconds: number,
): Promise<LostReplica[]> {
  const { rows } = await sql<LostReplica>`
    select r.deployment_id as "deploymentId", r.attempt, r.index, r.run, r.node_name as "nodeName"
      from node n join cluster c on c.id = n.cluster_id
      join allocation a on a.node_id = n.id
      join replica r on r.deployment_id = a.deployment_id and r.attempt = a.attempt and r.index = a.replica
     where c.runtime = ${runtime} and n.engine_id is not distinct from ${engineId}::uuid and not n.reachable
       and c.lost_after_s <= ${silentSeconds} and n.unreachable_since <= now() - make_interval(secs => c.lost_after_s)
       and r.status not in ('ended', 'restarting') and r.engine_id is not distinct from ${engineId}::uuid
     order by r.deployment_id, r.index limit 1000`.execute(db);
  return rows;
}

type RunKey = Pick<ContainerKey, 'deploymentId' | 'attempt' | 'replica' | 'run'>;

/** Of each run, in their order, whether it is to be started as of now: nobody has ended it, or told it to end. */
export async function areToStart(db: Database, keys: readonly RunKey[]): Promise<boolean[]> {
  const { rows } = await sql<{ wanted: boolean }>`
    select exists (
             select 1 from replica r join deployment d on d.id = r.deployment_id and d.attempt = r.attempt
              where r.deployment_id = k.deployment_id and r.attempt = k.attempt and r.index = k.replica and r.run = k.run
                and r.status = 'starting' and d.status in ('starting', 'running')) as wanted
      from rows from (json_to_recordset(${JSON.stringify(keys)}::json) as ("deploymentId" uuid, attempt int, replica int, run int))
           with ordinality as k(deployment_id, attempt, replica, run, place)
     order by k.place`.execute(db);
  return rows.map(({ wanted }) => wanted);
}

/** Whether there is such a run, or was: whatever its status. */
export async function isKnownRun(db: Database, { deploymentId, attempt, replica, run }: RunKey): Promise<boolean> {
  const found = await db
    .selectFrom('replica')
    .select('index')
    .where('deployment_id', '=', deploymentId)
    .where('attempt', '=', attempt)
    .where('index', '=', replica)
    .where('run', '>=', run)
    .executeTakeFirst();
  return found !== undefined;
}
