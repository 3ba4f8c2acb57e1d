/** Which fixed host ports are had by whom. Rows come and go with allocations, by trigger (migrations/0014). */
import { sql } from 'kysely';
import type { PortUse } from '../core/model.ts';
import type { Database } from './database.ts';

/**
 * Of the machines of a cluster's nodes, what deployments of other clusters have, of whatever organization. With `lock`, no other
 * cluster's pass takes a host port until the end of the transaction: what was read stays true.
 */
export async function readForeignPorts(
  db: Database,
  clusterId: string,
  { lock }: { lock: boolean },
): Promise<PortUse[]> {
  if (lock) await sql`select pg_advisory_xact_lock(hashtextextended('hypervisor host ports', 0))`.execute(db);
  const { rows } = await sql<{ machine: string; port: string; deployment_id: string }>`
    select p.machine, p.port, p.deployment_id from port_claim p
     where p.cluster_id <> ${clusterId}
       and p.machine in (select distinct machine_of_node(n.id) from node n where n.cluster_id = ${clusterId})
     order by p.machine, p.port`.execute(db);
  return rows.map(({ machine, port, deployment_id: deploymentId }) => ({ machine, port, deploymentId }));
}
