import { sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type NewEvent } from './events.ts';
import type { EngineKey } from './work.ts';

interface ChangedNode {
  id: string;
  name: string;
  cluster_id: string;
}

interface ClusterRow {
  id: string;
  organization_id: string;
  name: string;
  was_reachable: boolean;
  is_reachable: boolean;
}

/**
 * Writes down whether an engine answers, on every node that it serves. Tells of it once, when it changes: of a cluster, where
 * that makes all of it unreachable or ends that, else of its nodes. Returns the clusters for which it changed.
 */
export async function setReachability(
  db: Database,
  engine: EngineKey,
  reachable: boolean,
  message: string | null,
): Promise<string[]> {
  const clusterIds = await clustersToChange(db, engine, reachable);
  if (engine.engineId !== null) await noteOnEngine(db, engine.engineId, reachable, message);
  if (clusterIds.length === 0) return [];
  return db.transaction().execute(async (tx) => {
    // Clusters, then nodes: as everybody who changes nodes (docs/ARCHITECTURE.md).
    await sql`select 1 from cluster where id = any(${clusterIds}::uuid[]) order by id for no key update`.execute(tx);
    await sql`select 1 from node where cluster_id = any(${clusterIds}::uuid[]) order by id for no key update`.execute(
      tx,
    );
    const nodes = await changeNodes(tx, engine, clusterIds, reachable, message);
    const clusters = await changeClusters(tx, nodes, reachable, message);
    await appendEvents(
      tx,
      clusters.flatMap((cluster) => eventsOf(cluster, nodes, reachable, message)),
    );
    return clusters.map(({ id }) => id);
  });
}

const isServedBy = ({ runtime, engineId }: EngineKey) =>
  sql`c.id = n.cluster_id and c.runtime = ${runtime} and n.engine_id is not distinct from ${engineId}::uuid`;

async function clustersToChange(db: Database, engine: EngineKey, reachable: boolean): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct c.id from cluster c join node n on ${isServedBy(engine)}
     where n.reachable <> ${reachable} order by c.id`.execute(db);
  return rows.map(({ id }) => id);
}

async function noteOnEngine(db: Database, id: string, reachable: boolean, message: string | null): Promise<void> {
  await sql`
    update engine set reachable = ${reachable}, message = ${message}, since = now()
     where id = ${id} and reachable is distinct from ${reachable}`.execute(db);
}

async function changeNodes(
  tx: InTransaction,
  engine: EngineKey,
  clusterIds: readonly string[],
  reachable: boolean,
  message: string | null,
): Promise<ChangedNode[]> {
  const { rows } = await sql<ChangedNode>`
    update node n set reachable = ${reachable}, engine_message = ${message},
           unreachable_since = case when not ${reachable} then now() end
      from cluster c
     where ${isServedBy(engine)} and n.reachable <> ${reachable} and c.id = any(${[...clusterIds]}::uuid[])
    returning n.id, n.name, n.cluster_id`.execute(tx);
  return rows.toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** A cluster is reachable while one of its nodes is. */
async function changeClusters(
  tx: InTransaction,
  nodes: readonly ChangedNode[],
  reachable: boolean,
  message: string | null,
): Promise<ClusterRow[]> {
  const ids = [...new Set(nodes.map((node) => node.cluster_id))];
  const { rows } = await sql<ClusterRow>`
    with was as (
      select c.id, c.runtime_reachable, exists (select 1 from node n where n.cluster_id = c.id and n.reachable) as any_reachable
        from cluster c where c.id = any(${ids}::uuid[]))
    update cluster c set runtime_reachable = w.any_reachable, version = version + 1,
           runtime_message = case when not ${reachable} then ${message} end
      from was w where w.id = c.id
    returning c.id, c.organization_id, c.name, w.runtime_reachable as was_reachable, c.runtime_reachable as is_reachable`.execute(
    tx,
  );
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function eventsOf(
  cluster: ClusterRow,
  changed: readonly ChangedNode[],
  reachable: boolean,
  message: string | null,
): NewEvent[] {
  const about = { organizationId: cluster.organization_id, clusterId: cluster.id };
  const says = reachable ? 'answers again' : `does not answer: ${message ?? ''}`;
  if (cluster.was_reachable !== cluster.is_reachable) {
    const type = reachable ? ('cluster.reachable' as const) : ('cluster.unreachable' as const);
    return [{ ...about, type, message: `the engine of ${cluster.name} ${says}` }];
  }
  const type = reachable ? ('node.reachable' as const) : ('node.unreachable' as const);
  return changed
    .filter((node) => node.cluster_id === cluster.id)
    .map((node) => ({ ...about, type, message: `the engine of ${node.name} ${says}`, data: { node_id: node.id } }));
}
