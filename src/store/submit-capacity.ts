/** What clusters have in all, remembered, so that a thousand submissions a second do not read it a thousand times. */
import { sql } from 'kysely';
import { EmptyCluster } from '../core/capacity.ts';
import { type Device, type Node, wholeDevice } from '../core/model.ts';
import { deviceMemory, hasVolumes, labelsOfNode, machineNamed, machineOfNode } from './core-nodes.ts';
import type { Database } from './database.ts';
import { type ChangePosition, changesEnd, haveNodesChanged } from './planner-changes.ts';
import type { Scope } from './scope.ts';

/** After so long it is asked whether nodes have changed. */
const maxAgeMs = 1000;
/** Changes are kept for longer than this (sweeper.ts): what was not asked about for so long is read anew. */
const maxUncheckedMs = 30_000;
const entriesMax = 1000;

/** As it was read, and up to when nothing had changed. */
interface Entry {
  readonly cluster: EmptyCluster;
  readonly position: ChangePosition;
  readonly checkedAt: number;
}

export interface ClusterCapacities {
  /**
   * The cluster as if nothing ran there, at most a second old, or with `fresh` as it is now; null where the organization has no such
   * cluster.
   */
  empty(scope: Scope, clusterId: string, options?: { fresh: boolean }): Promise<EmptyCluster | null>;
}

export function rememberCapacities(db: Database): ClusterCapacities {
  const entries = new Map<string, Entry>();
  const underWay = new Map<string, Promise<Entry | null>>();

  /** Those who ask meanwhile for what may be a second old share one answer. */
  function shared(scope: Scope, clusterId: string, key: string): Promise<Entry | null> {
    let answer = underWay.get(key);
    if (answer === undefined) {
      answer = upToDate(scope, clusterId, key).finally(() => underWay.delete(key));
      underWay.set(key, answer);
    }
    return answer;
  }

  async function upToDate(scope: Scope, clusterId: string, key: string): Promise<Entry | null> {
    const checkedAt = performance.now();
    const known = entries.get(key);
    const position = await changesEnd(db);
    const stands =
      known !== undefined &&
      checkedAt - known.checkedAt < maxUncheckedMs &&
      !(await haveNodesChanged(db, clusterId, known.position));
    const cluster = stands ? known.cluster : await readEmpty(db, scope, clusterId);
    entries.delete(key);
    if (cluster === null) return null;
    if (entries.size >= entriesMax) entries.clear();
    const entry = { cluster, position, checkedAt };
    entries.set(key, entry);
    return entry;
  }

  return {
    async empty(scope, clusterId, { fresh } = { fresh: false }) {
      const key = `${scope.organizationId}/${clusterId}`;
      const known = entries.get(key);
      if (fresh) return (await upToDate(scope, clusterId, key))?.cluster ?? null;
      if (known !== undefined && performance.now() - known.checkedAt < maxAgeMs) return known.cluster;
      return (await shared(scope, clusterId, key))?.cluster ?? null;
    },
  };
}

interface NodeRow {
  id: string;
  name: string;
  ram: number;
  cpu: number;
  gpu: number;
  labels: Record<string, string>;
  engine_id: string | null;
  has_volumes: boolean;
  machine: string;
  devices: Omit<Device, 'free'>[];
}

async function readEmpty(db: Database, scope: Scope, clusterId: string): Promise<EmptyCluster | null> {
  const { rows } = await sql<NodeRow>`
    select n.id, n.name, n.ram, n.cpu, n.gpu, n.labels, n.engine_id,
           ${hasVolumes(clusterId)} as has_volumes, ${machineOfNode} as machine,
           coalesce((select json_strip_nulls(json_agg(json_build_object('index', g.index, 'model', g.model, 'memory', ${deviceMemory})
                       order by g.index)) from gpu_device g where g.node_id = n.id), '[]') as devices
      from node n join cluster c on c.id = n.cluster_id
     where c.organization_id = ${scope.organizationId} and c.id = ${clusterId} order by n.id`.execute(db);
  // Every cluster has a node.
  return rows.length === 0 ? null : new EmptyCluster(rows.map(emptyNode));
}

function emptyNode(row: NodeRow): Node {
  const total = { ram: row.ram, cpu: row.cpu, gpu: row.gpu };
  const devices: Device[] = row.devices.map((device) => ({ ...device, free: wholeDevice }));
  const about = { ...labelsOfNode(row), ...machineNamed(row) };
  return { id: row.id, name: row.name, total, free: total, devices, schedulable: true, ...about };
}
