/** Nodes and their devices as the core reads them, for the two readers that hand them to it: of passes and of submissions. */
import { type RawBuilder, sql } from 'kysely';
import { engineLabel } from '../core/engine-label.ts';
import type { Node } from '../core/model.ts';

/** Of `gpu_device g`. Thousandths of a GB; null where nobody said. */
export const deviceMemory = sql`nullif(round(g.memory_mib * 1000 / 1024.0)::int, 0)`;

/** Of `node n` in `cluster c`: as the function machine_of_node (migrations/0038) says it of one, without a look-up for each. */
export const machineOfNode = sql<string>`case c.runtime when 'simulated' then n.id::text else coalesce(n.engine_id::text, 'docker') end`;

/** A node that is a machine of its own need not say so. */
export function machineNamed({ id, machine }: { id: string; machine: string }): Pick<Node, 'machine'> {
  return machine === id ? {} : { machine };
}

/** Of `node n` in a cluster: whether some of its volumes are on the node's engine. */
export function hasVolumes(clusterId: string): RawBuilder<boolean> {
  // Not correlated, so that it is looked at once for all nodes.
  return sql<boolean>`coalesce(n.engine_id::text, '') in (
    select coalesce(v.engine_id::text, '') from volume v where v.cluster_id = ${clusterId})`;
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  readonly engine_id: string | null;
  readonly has_volumes: boolean;
}

/**
 * What its owner says, and that volumes are on its engine: only where some are, so that nodes that are alike but for their engine stay
 * alike for the planner. A node of which nothing is said has no labels at all: then there is nothing to look at.
 */
export function labelsOfNode({ labels, engine_id, has_volumes }: Labelled): Pick<Node, 'labels'> {
  if (has_volumes) return { labels: { ...labels, [engineLabel(engine_id)]: '' } };
  return Object.keys(labels).length === 0 ? {} : { labels };
}
