import { type RawBuilder, sql } from 'kysely';
import { type Resources, wholeDevice } from '../core/model.ts';
import { dropClaimsOnNode } from './claims.ts';
import { lockCluster, sumUpNodes } from './cluster-row.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import { type CreationPage, contains, creationPage, exactTime, type TimeKey } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';

export interface NewNode {
  readonly name: string;
  /** Thousandths of a GB, of a core. */
  readonly ram: number;
  readonly cpu: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly devices: readonly NewDevice[];
  /** Absent or null: the installation's own engine. */
  readonly engineId?: string | null;
}

export interface NewDevice {
  readonly model: string;
  readonly memoryMib: number;
  readonly driver: 'nvidia' | 'none';
}

export interface NodeRecord {
  readonly id: string;
  readonly clusterId: string;
  readonly name: string;
  readonly schedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly devices: readonly (NewDevice & { readonly index: number; readonly allocated: number })[];
  /** Thousandths, of one instant. */
  readonly total: Resources;
  readonly allocated: Resources;
  readonly engine: NodeEngine | null;
  readonly reachable: boolean;
  readonly unreachableSince: Date | null;
  readonly engineMessage: string | null;
  /** Null where it is not drained. */
  readonly drain: NodeDrain | null;
  readonly createdAt: Date;
  readonly key: TimeKey;
}

/** The engine that somebody added for it, and how what its nodes say compares with what it has: thousandths. */
interface NodeEngine {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  /** What its machine has; null where it was never asked. */
  readonly found: { readonly ram: number | null; readonly cpu: number | null };
  /** What all nodes on it have, in sum, and how many they are. */
  readonly declared: { readonly ram: number; readonly cpu: number };
  readonly nodes: number;
}

export interface NodeDrain {
  readonly since: Date;
  /** When jobs are stopped; null: never. */
  readonly deadline: Date | null;
  readonly jobs: 'finish' | 'stop';
  /** When nothing was left; null: something is. */
  readonly drainedAt: Date | null;
  /** What is still there: the first hundred by name. */
  readonly left: readonly { readonly id: string; readonly name: string; readonly kind: 'job' | 'service' }[];
}

export type NodeChange = { kind: 'done'; node: NodeRecord } | { kind: 'unknown' } | { kind: 'cluster_deleting' };

export type NodeDeletion =
  | { kind: 'deleted' }
  | { kind: 'unknown' }
  | { kind: 'cluster_deleting' }
  /** Deployments hold resources of it. */
  | { kind: 'in_use'; replicas: number }
  /** A cluster keeps at least one node. */
  | { kind: 'last' };

/** Adds a node: the cluster's totals grow with it. A taken name violates `node_cluster_id_name_key`. */
export async function createNode(
  db: Database,
  scope: Scope,
  clusterId: string,
  node: NewNode,
  actor: Actor,
): Promise<NodeChange> {
  return db.transaction().execute(async (tx) => {
    const cluster = await lockCluster(tx, scope, clusterId);
    if (cluster === undefined) return { kind: 'unknown' };
    if (cluster.deleting) return { kind: 'cluster_deleting' };
    const [id] = await insertNodes(tx, clusterId, [node]);
    await afterResizing(tx, clusterId);
    await tell(tx, scope, clusterId, actor, 'node.created', `${node.name} was added to ${cluster.name}`, {
      node_id: id,
    });
    return readBack(tx, scope, clusterId, id ?? '');
  });
}

/** Undefined: as it is. */
export interface NodeUpdate {
  /** False cordons the node: what runs on it goes on, nothing new is placed. */
  readonly schedulable?: boolean | undefined;
  /** These are set, those that are null are taken away, the others stay. */
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
}

/** Cordons a node or opens it again, and changes its labels: what runs on it goes on, whatever it asked for. */
export async function updateNode(
  db: Database,
  scope: Scope,
  clusterId: string,
  nodeId: string,
  change: NodeUpdate,
  actor: Actor,
): Promise<NodeChange> {
  return db.transaction().execute(async (tx) => {
    const cluster = await lockCluster(tx, scope, clusterId);
    if (cluster === undefined) return { kind: 'unknown' };
    const before = await readNode(tx, scope, clusterId, nodeId);
    if (before === null) return { kind: 'unknown' };
    const { schedulable = before.schedulable } = change;
    const { rows } = await sql<{ labels: NodeRecord['labels'] }>`
      update node set schedulable = ${schedulable}, draining_since = case when not ${schedulable} then draining_since end,
             drain_deadline = case when not ${schedulable} then drain_deadline end,
             drain_jobs = case when not ${schedulable} then drain_jobs end,
             drained_at = case when not ${schedulable} then drained_at end,
             maintenance_id = case when not ${schedulable} then maintenance_id end,
             labels = jsonb_strip_nulls(labels || ${JSON.stringify(change.labels ?? {})}::jsonb)
       where id = ${nodeId} returning labels`.execute(tx);
    const drain = schedulable ? null : before.drain;
    const node = { ...before, schedulable, drain, labels: rows[0]?.labels ?? before.labels };
    const message = whatChanged(before, node);
    if (message !== null) {
      await dropClaimsOnNode(tx, clusterId, nodeId);
      const data = { node_id: nodeId, schedulable, labels: node.labels };
      await tell(tx, scope, clusterId, actor, 'node.updated', message, data);
    }
    return { kind: 'done', node };
  });
}

/** Null where nothing did. */
function whatChanged(before: NodeRecord, after: NodeRecord): string | null {
  const changes: string[] = [];
  if (after.schedulable !== before.schedulable) {
    changes.push(after.schedulable ? 'takes new deployments again' : 'takes no new deployments');
  }
  const labels = labelsInWords(after.labels);
  if (labels !== labelsInWords(before.labels))
    changes.push(labels === '' ? 'has no labels' : `has the labels ${labels}`);
  return changes.length === 0 ? null : `${after.name} ${changes.join(', and ')}`;
}

function labelsInWords(labels: NodeRecord['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.toSorted().join(', ');
}

/** Takes an idle node away: the cluster's totals shrink with it. */
export async function deleteNode(
  db: Database,
  scope: Scope,
  clusterId: string,
  nodeId: string,
  actor: Actor,
): Promise<NodeDeletion> {
  return db.transaction().execute(async (tx) => {
    // The lock keeps passes out: nothing is allocated between the count and the delete.
    const cluster = await lockCluster(tx, scope, clusterId);
    if (cluster === undefined) return { kind: 'unknown' };
    if (cluster.deleting) return { kind: 'cluster_deleting' };
    const { rows } = await sql<{ name: string; replicas: number; others: boolean }>`
      select name, (select count(*)::int from allocation a where a.node_id = n.id) as replicas,
             exists (select 1 from node o where o.cluster_id = n.cluster_id and o.id <> n.id) as others
        from node n where n.cluster_id = ${clusterId} and n.id = ${nodeId}`.execute(tx);
    const node = rows[0];
    if (node === undefined) return { kind: 'unknown' };
    if (node.replicas > 0) return { kind: 'in_use', replicas: node.replicas };
    if (!node.others) return { kind: 'last' };
    await dropClaimsOnNode(tx, clusterId, nodeId);
    await tx.deleteFrom('node').where('id', '=', nodeId).execute();
    await afterResizing(tx, clusterId);
    await tell(tx, scope, clusterId, actor, 'node.deleted', `${node.name} was taken from ${cluster.name}`, {
      node_id: nodeId,
    });
    return { kind: 'deleted' };
  });
}

export async function readNode(
  db: Database,
  scope: Scope,
  clusterId: string,
  nodeId: string,
): Promise<NodeRecord | null> {
  const [node] = await selectNodes(db, scope, clusterId, sql`n.id = ${nodeId}`, sql``);
  return node ?? null;
}

/** Undefined: any. */
export interface NodeFilter {
  /** A part of the name, in either case. */
  readonly name: string | undefined;
  readonly schedulable: boolean | undefined;
}

export function listNodes(
  db: Database,
  scope: Scope,
  clusterId: string,
  { name, schedulable }: NodeFilter,
  page: CreationPage,
): Promise<NodeRecord[]> {
  const { where, order } = creationPage('n', page);
  const isOpen = schedulable === undefined ? sql`true` : sql`n.schedulable = ${schedulable}`;
  const chosen = sql`${contains('n.name', name)} and ${isOpen} and ${where}`;
  return selectNodes(db, scope, clusterId, chosen, sql`${order} limit ${page.limit}`);
}

/** Writes nodes and their devices, in two statements however many there are. Returns their ids, in order. */
export async function insertNodes(tx: InTransaction, clusterId: string, nodes: readonly NewNode[]): Promise<string[]> {
  const rows = nodes.map((node) => ({
    id: newId(),
    name: node.name,
    ram: node.ram,
    cpu: node.cpu,
    gpu: node.devices.length * wholeDevice,
    labels: node.labels,
    devices: node.devices,
    engine_id: node.engineId ?? null,
  }));
  await sql`
    insert into node (id, cluster_id, name, ram, cpu, gpu, labels, engine_id)
    select id, ${clusterId}::uuid, name, ram, cpu, gpu, labels, engine_id
      from json_to_recordset(${JSON.stringify(rows)}::json)
        as n(id uuid, name text, ram int, cpu int, gpu int, labels jsonb, engine_id uuid)`.execute(tx);
  const devices = rows.flatMap((row) =>
    row.devices.map((device, index) => ({
      node_id: row.id,
      index,
      model: device.model,
      memory_mib: device.memoryMib,
      driver: device.driver,
    })),
  );
  await sql`
    insert into gpu_device (node_id, index, model, memory_mib, driver)
    select * from json_to_recordset(${JSON.stringify(devices)}::json)
      as g(node_id uuid, index int, model text, memory_mib int, driver text)`.execute(tx);
  return rows.map((row) => row.id);
}

async function afterResizing(tx: InTransaction, clusterId: string): Promise<void> {
  await sumUpNodes(tx, clusterId);
  await tx.updateTable('cluster').set({ version: sql<number>`version + 1` }).where('id', '=', clusterId).execute();
}

interface NodeRow {
  id: string;
  cluster_id: string;
  name: string;
  schedulable: boolean;
  labels: NodeRecord['labels'];
  ram: number;
  cpu: number;
  gpu: number;
  ram_allocated: number;
  cpu_allocated: number;
  gpu_allocated: number;
  devices: NodeRecord['devices'];
  engine: NodeEngine | null;
  reachable: boolean;
  unreachable_since: Date | null;
  engine_message: string | null;
  draining_since: Date | null;
  drain_deadline: Date | null;
  drain_jobs: 'finish' | 'stop' | null;
  drained_at: Date | null;
  left_there: NodeDrain['left'] | null;
  created_at: Date;
  created_at_exact: string;
}

async function selectNodes(
  db: Database,
  scope: Scope,
  clusterId: string,
  where: RawBuilder<unknown>,
  order: RawBuilder<unknown>,
): Promise<NodeRecord[]> {
  const { rows } = await sql<NodeRow>`
    select n.*, ${exactTime('n.created_at')} as created_at_exact,
           coalesce((select json_agg(json_build_object('index', g.index, 'model', g.model, 'memoryMib', g.memory_mib,
                       'driver', g.driver, 'allocated', g.allocated) order by g.index)
                       from gpu_device g where g.node_id = n.id), '[]') as devices,
           (select json_build_object('id', e.id, 'name', e.name, 'address', e.address, 'found', json_build_object('ram', e.ram, 'cpu', e.cpu),
                     'declared', json_build_object('ram', s.ram, 'cpu', s.cpu), 'nodes', s.nodes)
              from engine e, lateral (select sum(o.ram) as ram, sum(o.cpu) as cpu, count(*) as nodes from node o where o.engine_id = e.id) s
             where e.id = n.engine_id) as engine,
           case when n.draining_since is not null then (
             select json_agg(l order by l.name, l.id) from (
               select distinct d.id, d.name, d.kind from allocation a join deployment d on d.id = a.deployment_id
                where a.node_id = n.id order by d.name, d.id limit 100) l) end as left_there
      from node n join cluster c on c.id = n.cluster_id
     where c.organization_id = ${scope.organizationId} and c.id = ${clusterId} and ${where}
     ${order}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    clusterId: row.cluster_id,
    name: row.name,
    schedulable: row.schedulable,
    labels: row.labels,
    devices: row.devices,
    total: { ram: row.ram, cpu: row.cpu, gpu: row.gpu },
    allocated: { ram: row.ram_allocated, cpu: row.cpu_allocated, gpu: row.gpu_allocated },
    engine: row.engine,
    reachable: row.reachable,
    unreachableSince: row.unreachable_since,
    engineMessage: row.engine_message,
    drain: drainOf(row),
    createdAt: row.created_at,
    key: { at: row.created_at_exact, id: row.id },
  }));
}

function drainOf(row: NodeRow): NodeDrain | null {
  if (row.draining_since === null) return null;
  return {
    since: row.draining_since,
    deadline: row.drain_deadline,
    jobs: row.drain_jobs ?? 'finish',
    drainedAt: row.drained_at,
    left: row.left_there ?? [],
  };
}

async function readBack(tx: InTransaction, scope: Scope, clusterId: string, nodeId: string): Promise<NodeChange> {
  const node = await readNode(tx, scope, clusterId, nodeId);
  return node === null ? { kind: 'unknown' } : { kind: 'done', node };
}

async function tell(
  tx: InTransaction,
  scope: Scope,
  clusterId: string,
  actor: Actor,
  type: EventType,
  message: string,
  data: Record<string, unknown>,
): Promise<void> {
  const organizationId = scope.organizationId;
  await appendEvents(tx, [{ organizationId, clusterId, type, message, data, actorId: actor.userId }]);
}
