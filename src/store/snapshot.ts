import { type RawBuilder, sql } from 'kysely';
import type {
  Backfill,
  DeploymentState,
  Device,
  Holding,
  Node,
  Policy,
  QueuedDeployment,
  Request,
  Snapshot,
  Window,
} from '../core/model.ts';
import { toThousandths } from './amounts.ts';
import { boundToEngines, namesOfVolumes } from './bound-to-engines.ts';
import { readClaims } from './claims.ts';
import { deviceMemory, hasVolumes, labelsOfNode, machineNamed, machineOfNode } from './core-nodes.ts';
import type { Database } from './database.ts';
import { readForeignPorts } from './host-ports.ts';
import type { Held } from './leases.ts';
import { readWindows } from './maintenance.ts';
import { readRuns } from './runs.ts';
import type { VolumeColumn } from './tables.ts';
import { type PlacedVolume, readVolumesByName } from './volumes.ts';

/** What a pass must know of the cluster itself. */
export interface ClusterHead {
  readonly organizationId: string;
  readonly clusterId: string;
  readonly policy: Omit<Policy, 'maxAdmissions'>;
  /** Of the policy, whether preemption is on or not: milliseconds. */
  readonly minRunTime: number;
  /** False where nothing new may be placed: it is being deleted. */
  readonly usable: boolean;
  /** The database's clock: the one clock of the whole installation, milliseconds since the epoch. */
  readonly now: number;
}

/** A cluster as its scheduler reads it: the snapshot, and what stands beside it in the same transaction. */
export interface ClusterSnapshot extends ClusterHead {
  readonly snapshot: Snapshot;
}

interface ClusterRow {
  organization_id: string;
  aging_interval_s: number;
  reservation_after_s: number;
  preemption: boolean;
  preemption_min_run_time_s: number;
  backfill: Backfill;
  usable: boolean;
  now_ms: string;
}

/**
 * Reads what a pass needs. With `lock` (inside a transaction) the cluster and its nodes are locked, in this order, until the
 * commit: passes over one cluster take turns, and nothing is allocated or freed between this reading and the commit.
 * Submissions go on meanwhile. Null where the cluster is gone.
 */
export async function readSnapshot(
  db: Database,
  clusterId: string,
  options: { lock: boolean },
): Promise<ClusterSnapshot | null> {
  const head = await readHead(db, clusterId, options);
  return head === null ? null : { ...head, snapshot: await readState(db, head, options) };
}

/**
 * With `lock` the cluster's row is locked: passes over it, and changes to it and its nodes, take turns. With a lease, that is locked too,
 * until the transaction ends: null also where it is not held any more.
 */
export async function readHead(
  db: Database,
  clusterId: string,
  options: { lock: boolean; lease?: Held | undefined },
): Promise<ClusterHead | null> {
  const cluster = await readCluster(db, clusterId, options);
  if (cluster === undefined) return null;
  return {
    organizationId: cluster.organization_id,
    clusterId,
    policy: policyOf(cluster),
    minRunTime: Math.round(cluster.preemption_min_run_time_s * 1000),
    usable: cluster.usable,
    now: Number(cluster.now_ms),
  };
}

/** With `lock`, after the cluster's row the nodes are locked as well. */
export async function readState(db: Database, head: ClusterHead, { lock }: { lock: boolean }): Promise<Snapshot> {
  const { clusterId, usable, policy } = head;
  const nodes = await readNodes(db, clusterId, { usable, lock });
  const isLearned = policy.backfill === 'learned';
  const holdings = await readHoldings(db, clusterId, { who: everybody, isLearned });
  const queue = await readQueue(db, head, { who: everybody, isLearned });
  const claims = await readClaims(db, clusterId);
  const foreignPorts = queue.some(({ request }) => request.hostPorts !== undefined)
    ? { foreignPorts: await readForeignPorts(db, clusterId, { lock }) }
    : {};
  const runs = isLearned ? { runs: await readRuns(db, clusterId, usersOf(queue)) } : {};
  return { nodes, queue, holdings, claims, ...foreignPorts, ...runs };
}

/** How these deployments stand now, by their ids; of those that are gone too. */
export async function readDeploymentStates(
  db: Database,
  head: ClusterHead,
  ids: readonly string[],
): Promise<Map<string, DeploymentState>> {
  const { clusterId, policy } = head;
  if (ids.length === 0) return new Map();
  const these = { who: sql`d.id = any(${[...ids]}::uuid[])`, isLearned: policy.backfill === 'learned' };
  const holdings = new Map(ids.map((id): [string, Holding[]] => [id, []]));
  for (const holding of await readHoldings(db, clusterId, these)) holdings.get(holding.deploymentId)?.push(holding);
  const queue = new Map((await readQueue(db, head, these)).map((one) => [one.id, one]));
  return new Map(ids.map((id) => [id, { queued: queue.get(id) ?? null, holdings: holdings.get(id) ?? [] }]));
}

/** Of whom to read, and whether their users count. */
interface Choice {
  readonly who: RawBuilder<unknown>;
  readonly isLearned: boolean;
}

const everybody = sql`true`;

/** Whose runs a pass asks for: of those who wait. */
export function usersOf(queue: readonly QueuedDeployment[]): Set<string> {
  return new Set(queue.flatMap(({ user }) => (user === undefined ? [] : [user])));
}

function policyOf(cluster: ClusterRow): ClusterSnapshot['policy'] {
  return {
    agingInterval: Math.round(cluster.aging_interval_s * 1000),
    reservationAfter: Math.round(cluster.reservation_after_s * 1000),
    ...(cluster.backfill === 'learned' && { backfill: cluster.backfill }),
    ...(cluster.preemption && {
      preemption: { minRunTime: Math.round(cluster.preemption_min_run_time_s * 1000) },
    }),
  };
}

async function readCluster(
  db: Database,
  clusterId: string,
  { lock, lease }: { lock: boolean; lease?: Held | undefined },
): Promise<ClusterRow | undefined> {
  const held =
    lease === undefined
      ? sql``
      : sql`join lease l on l.name = ${lease.name} and l.process_id = ${lease.processId} and l.fence = ${lease.fence}::bigint`;
  const locks = lease === undefined ? sql`for no key update of c` : sql`for no key update of c for key share of l`;
  // work_mem: grouping a long queue stays in memory, for this transaction.
  // NO KEY UPDATE: submissions refer to this row by foreign key and must not wait for a pass.
  const { rows } = await sql<ClusterRow>`
    select c.organization_id, c.aging_interval_s, c.reservation_after_s, c.preemption, c.preemption_min_run_time_s, c.backfill,
           not c.deleting as usable,
           floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms,
           set_config('work_mem', '64MB', true)
      from cluster c ${held} where c.id = ${clusterId} ${lock ? locks : sql``}`.execute(db);
  return rows[0];
}

interface NodeRow {
  id: string;
  name: string;
  ram: number;
  cpu: number;
  gpu: number;
  ram_free: number;
  cpu_free: number;
  gpu_free: number;
  schedulable: boolean;
  labels: Record<string, string>;
  engine_id: string | null;
  has_volumes: boolean;
  machine: string;
  devices: Device[];
}

/** With `lock` they are locked, by id. */
export async function readNodes(
  db: Database,
  clusterId: string,
  options: { usable: boolean; lock: boolean },
): Promise<Node[]> {
  // First the locks, then the reading, in two statements: one statement would see the devices as they were before it waited.
  if (options.lock) {
    await sql`select 1 from node where cluster_id = ${clusterId} order by id for no key update`.execute(db);
  }
  const { rows } = await sql<NodeRow>`
    select n.id, n.name, n.ram, n.cpu, n.gpu, n.ram - n.ram_allocated as ram_free, n.cpu - n.cpu_allocated as cpu_free,
           n.gpu - n.gpu_allocated as gpu_free, n.schedulable and n.reachable as schedulable, n.labels,
           n.engine_id, ${hasVolumes(clusterId)} as has_volumes, ${machineOfNode} as machine,
           coalesce((select json_strip_nulls(json_agg(json_build_object('index', g.index, 'model', g.model, 'memory', ${deviceMemory},
                       'free', 1000 - g.allocated) order by g.index)) from gpu_device g where g.node_id = n.id), '[]') as devices
      from node n join cluster c on c.id = n.cluster_id where n.cluster_id = ${clusterId} order by n.id`.execute(db);
  const windows = await readWindows(db, clusterId);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    total: { ram: row.ram, cpu: row.cpu, gpu: row.gpu },
    free: { ram: row.ram_free, cpu: row.cpu_free, gpu: row.gpu_free },
    devices: row.devices,
    // Nothing new goes where the engine does not answer, or into a cluster that is being deleted.
    schedulable: row.schedulable && options.usable,
    ...labelsOfNode(row),
    ...machineNamed(row),
    ...(windows.size > 0 && windowsOf(windows, row.id)),
  }));
}

function windowsOf(windows: ReadonlyMap<string | null, readonly Window[]>, nodeId: string): Pick<Node, 'windows'> {
  const of = [...(windows.get(null) ?? []), ...(windows.get(nodeId) ?? [])];
  return of.length === 0 ? {} : { windows: of };
}

interface HoldingRow {
  deployment_id: string;
  node_id: string;
  ram: number;
  cpu: number;
  gpu: number;
  device_indexes: number[];
  device_amounts: number[];
  host_ports: string[];
  is_service: boolean;
  priority: number;
  status: string;
  started_ms: string | null;
  ends_by_ms: string | null;
  submitted_by: string | null;
}

async function readHoldings(db: Database, clusterId: string, { who, isLearned }: Choice): Promise<Holding[]> {
  const { rows } = await sql<HoldingRow>`
    select a.deployment_id, a.node_id, a.ram, a.cpu, a.gpu, a.device_indexes, a.device_amounts, a.host_ports, d.kind = 'service' as is_service,
           d.priority, d.status, floor(extract(epoch from d.started_at) * 1000)::bigint as started_ms,
           ceil(extract(epoch from coalesce(d.started_at, now()) + make_interval(secs => d.time_limit_s + d.stop_grace_s)) * 1000)::bigint
             as ends_by_ms, d.submitted_by
      from allocation a join deployment d on d.id = a.deployment_id
     where a.cluster_id = ${clusterId} and ${who} order by a.deployment_id, a.replica`.execute(db);
  return rows.map((row) => ({
    deploymentId: row.deployment_id,
    nodeId: row.node_id,
    resources: { ram: row.ram, cpu: row.cpu, gpu: row.gpu },
    devices: row.device_indexes.map((index, i) => ({ index, amount: row.device_amounts[i] ?? 0 })),
    ...(row.host_ports.length > 0 && { hostPorts: row.host_ports }),
    isService: row.is_service,
    endsBy: row.ends_by_ms === null ? null : Number(row.ends_by_ms),
    priority: row.priority,
    // Some of the replicas may run already; but a deployment that is starting is not to be stopped.
    ...(row.status === 'running' && row.started_ms !== null && { startedAt: Number(row.started_ms) }),
    ...(row.status === 'stopping' && { isStopping: true }),
    ...(isLearned && row.submitted_by !== null && { user: row.submitted_by }),
  }));
}

interface QueueGroupRow {
  shape: string;
  volumes: VolumeColumn[];
  ids: string;
  queued_at: string;
  submitted_by: string | null;
}

/**
 * The queue, read as groups of equal requests: a queue of tens of thousands is a few hundred rows, and each group shares one
 * Request object, so that the planner sees the shapes at once. Where it is learned whose deployments are short, they are also
 * groups of one user each. What the shape does not say is on which engines its volumes are: those are looked
 * up, of those who use some.
 *
 * The order inside a group needs no ORDER BY: the planner orders the queue by time and id itself.
 */
async function readQueue(
  db: Database,
  { organizationId, clusterId }: ClusterHead,
  { who, isLearned }: Choice,
): Promise<QueuedDeployment[]> {
  const byUser = isLearned ? sql`, submitted_by` : sql``;
  const { rows } = await sql<QueueGroupRow>`
    select shape, volumes, ${isLearned ? sql`submitted_by` : sql`null`} as submitted_by, string_agg(id::text, ',') as ids,
           string_agg((date_part('epoch', queued_at) * 1000)::bigint::text, ',') as queued_at
      from deployment d where cluster_id = ${clusterId} and status = 'queued' and not held and ${who}
     group by shape, volumes${byUser} order by shape, volumes${byUser}`.execute(db);
  const names = rows.flatMap(({ volumes }) => namesOfVolumes(volumes));
  const placed = await readVolumesByName(db, { organizationId }, clusterId, names);
  const queue: QueuedDeployment[] = [];
  for (const row of rows) addGroup(queue, row, placed);
  return queue;
}

/** What keeps the three lists at the end of a shape apart, and the models in the first of them. */
const betweenLists = '\u001e';
const betweenModels = '\u001f';

/** The fields of `deployment_shape` in the migrations, in its order. */
function addGroup(queue: QueuedDeployment[], row: QueueGroupRow, placed: ReadonlyMap<string, PlacedVolume>): void {
  const [amounts = '', labels = '', hostPorts = ''] = row.shape.split(betweenLists, 3);
  const [ram, cpu, gpu, replicas, priority, longest, kind, gpuMemory, maxPerNode, ...models] = amounts.split('|');
  const asked = requestOf({
    ram,
    cpu,
    gpu,
    replicas,
    gpuMemory,
    maxPerNode,
    models: models.join('|'),
    labels,
    hostPorts,
  });
  const request = boundToEngines(asked, row.volumes, placed);
  const priorityNumber = Number(priority);
  // With the grace of its stop: what is planned behind it must not be late by that.
  const timeLimit = longest === '' ? null : Number(longest) * 1000;
  const isService = kind === 'service';
  const user = row.submitted_by === null ? {} : { user: row.submitted_by };
  const times = row.queued_at.split(',');
  row.ids.split(',').forEach((id, i) => {
    queue.push({ id, request, priority: priorityNumber, queuedAt: Number(times[i]), timeLimit, isService, ...user });
  });
}

type RequestText = Record<'ram' | 'cpu' | 'gpu' | 'replicas' | 'gpuMemory' | 'maxPerNode', string | undefined> & {
  readonly models: string;
  readonly labels: string;
  readonly hostPorts: string;
};

/** What was left out is left out here: most requests say nothing of where they may run. */
function requestOf({ ram = '', cpu = '', gpu = '', gpuMemory = '', ...text }: RequestText): Request {
  const memory = toThousandths(gpuMemory);
  return {
    perReplica: { ram: toThousandths(ram), cpu: toThousandths(cpu), gpu: toThousandths(gpu) },
    replicas: Number(text.replicas),
    gpuModels: text.models === '' ? [] : text.models.split(betweenModels),
    ...(memory > 0 && { gpuMemory: memory }),
    ...(text.maxPerNode !== '' && { maxPerNode: Number(text.maxPerNode) }),
    ...(text.hostPorts !== '' && { hostPorts: text.hostPorts.split(',') }),
    ...(text.labels !== '{}' && { nodeLabels: JSON.parse(text.labels) as Record<string, string> }),
  };
}
