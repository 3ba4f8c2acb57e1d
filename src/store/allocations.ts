import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

/** What one replica holds of a node, in thousandths. */
export interface AllocationRow {
  readonly node_id: string;
  readonly deployment_id: string;
  readonly name: string;
  readonly status: DeploymentStatus;
  readonly priority: number;
  readonly replica: number;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly device_indexes: readonly number[];
  /** Thousandths of the device at the same place in device_indexes. */
  readonly device_amounts: readonly number[];
  readonly created_at: Date;
}

/** Who holds what of these nodes, the oldest first. */
export async function allocationsOnNodes(
  db: Database,
  scope: Scope,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, readonly AllocationRow[]>> {
  if (nodeIds.length === 0) return new Map();
  const rows: AllocationRow[] = await db
    .selectFrom('allocation')
    .innerJoin('deployment', 'deployment.id', 'allocation.deployment_id')
    .select([
      'allocation.node_id',
      'allocation.deployment_id',
      'deployment.name',
      'deployment.status',
      'deployment.priority',
      'allocation.replica',
      'allocation.ram',
      'allocation.cpu',
      'allocation.gpu',
      'allocation.device_indexes',
      'allocation.device_amounts',
      'allocation.created_at',
    ])
    .where('deployment.organization_id', '=', scope.organizationId)
    .where('allocation.node_id', 'in', nodeIds)
    .orderBy('allocation.created_at')
    .orderBy('allocation.deployment_id')
    .orderBy('allocation.replica')
    .orderBy('allocation.next')
    .execute();
  const byNode = new Map<string, AllocationRow[]>(nodeIds.map((id) => [id, []]));
  for (const row of rows) byNode.get(row.node_id)?.push(row);
  return byNode;
}
