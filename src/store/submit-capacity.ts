/** What clusters have in all, remembered for a moment, so that a thousand submissions a second do not read it a thousand times. */
import { sql } from 'kysely';
import { type Device, type Node, wholeDevice } from '../core/model.ts';
import { deviceMemory, labelsOfNode } from './core-nodes.ts';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

const maxAgeMs = 1000;
const entriesMax = 1000;

interface Entry {
  readonly nodes: Promise<readonly Node[] | null>;
  readonly staleAt: number;
}

export interface ClusterCapacities {
  /** The nodes as if nothing ran there, cordoned ones too; null where the organization has no such cluster. */
  emptyNodes(scope: Scope, clusterId: string, options?: { fresh: boolean }): Promise<readonly Node[] | null>;
}

/** At most a second old: before somebody is refused for what it says, it is read again. */
export function rememberCapacities(db: Database): ClusterCapacities {
  const entries = new Map<string, Entry>();

  function load(scope: Scope, clusterId: string, key: string): Promise<readonly Node[] | null> {
    if (entries.size >= entriesMax) entries.clear();
    const nodes = readEmptyNodes(db, scope, clusterId);
    const entry = { nodes, staleAt: performance.now() + maxAgeMs };
    const forget = () => {
      if (entries.get(key) === entry) entries.delete(key);
    };
    entries.set(key, entry);
    nodes.then((found) => found ?? forget(), forget);
    return nodes;
  }

  return {
    emptyNodes(scope, clusterId, options = { fresh: false }) {
      const key = `${scope.organizationId}/${clusterId}`;
      const known = entries.get(key);
      if (known !== undefined && !options.fresh && performance.now() < known.staleAt) return known.nodes;
      return load(scope, clusterId, key);
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
  devices: Omit<Device, 'free'>[];
}

async function readEmptyNodes(db: Database, scope: Scope, clusterId: string): Promise<readonly Node[] | null> {
  const { rows } = await sql<NodeRow>`
    select n.id, n.name, n.ram, n.cpu, n.gpu, n.labels,
           coalesce((select json_strip_nulls(json_agg(json_build_object('index', g.index, 'model', g.model, 'memory', ${deviceMemory})
                       order by g.index)) from gpu_device g where g.node_id = n.id), '[]') as devices
      from node n join cluster c on c.id = n.cluster_id
     where c.organization_id = ${scope.organizationId} and c.id = ${clusterId} order by n.id`.execute(db);
  // Every cluster has a node.
  return rows.length === 0 ? null : rows.map(emptyNode);
}

function emptyNode(row: NodeRow): Node {
  const total = { ram: row.ram, cpu: row.cpu, gpu: row.gpu };
  const devices: Device[] = row.devices.map((device) => ({ ...device, free: wholeDevice }));
  return { id: row.id, name: row.name, total, free: total, devices, schedulable: true, ...labelsOfNode(row.labels) };
}
