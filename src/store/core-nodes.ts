/** Nodes and their devices as the core reads them, for the two readers that hand them to it: of passes and of submissions. */
import { sql } from 'kysely';
import type { Node } from '../core/model.ts';

/** Of `gpu_device g`. Thousandths of a GB; null where nobody said. */
export const deviceMemory = sql`nullif(round(g.memory_mib * 1000 / 1024.0)::int, 0)`;

/** Of `node n` in `cluster c`: as the function machine_of_node (migrations/0022) says it of one, without a look-up for each. */
export const machineOfNode = sql<string>`case c.runtime when 'docker' then coalesce(n.engine_id::text, 'docker') else n.id::text end`;

/** A node that is a machine of its own need not say so. */
export function machineNamed({ id, machine }: { id: string; machine: string }): Pick<Node, 'machine'> {
  return machine === id ? {} : { machine };
}

/** A node that says nothing about itself has no labels at all: then there is nothing to look at. */
export function labelsOfNode(labels: Readonly<Record<string, string>>): Pick<Node, 'labels'> {
  return Object.keys(labels).length === 0 ? {} : { labels };
}
