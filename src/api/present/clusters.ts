import type { z } from 'zod';
import type { AllocationRow } from '../../store/allocations.ts';
import { fromThousandths } from '../../store/amounts.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import type { NodeDrain, NodeRecord } from '../../store/nodes.ts';
import type { Cluster, Node } from '../schemas/clusters.ts';
import { presentAmounts, presentResources } from './amounts.ts';

export function presentCluster(cluster: ClusterRecord): z.infer<typeof Cluster> {
  return {
    id: cluster.id,
    organization_id: cluster.organizationId,
    name: cluster.name,
    ...presentAmounts(cluster.total),
    runtime: cluster.runtime,
    policy: {
      aging_interval_s: cluster.agingIntervalSeconds,
      reservation_after_s: cluster.reservationAfterSeconds,
      backfill: cluster.backfill,
      lost_after_s: cluster.lostAfterSeconds,
      retention_s: cluster.retentionSeconds,
      preemption: { enabled: cluster.preemption, min_run_time_s: cluster.preemptionMinRunTimeSeconds },
    },
    allowed_host_paths: cluster.allowedHostPaths.map(({ path, read_only }) => ({ path, read_only })),
    resources: presentResources(cluster.total, cluster.allocated),
    deployments: { queued: cluster.queued, active: cluster.active },
    ...standing(cluster),
    version: cluster.version,
    created_at: cluster.createdAt.toISOString(),
  };
}

function standing(cluster: ClusterRecord): Pick<z.infer<typeof Cluster>, 'status' | 'status_message'> {
  if (cluster.deleting) {
    return { status: 'deleting', status_message: 'It goes when its last container has stopped.' };
  }
  if (!cluster.reachable) {
    return { status: 'unreachable', status_message: cluster.runtimeMessage ?? 'Its container engine does not answer.' };
  }
  return { status: 'ready', status_message: null };
}

export function presentNode(node: NodeRecord): z.infer<typeof Node> {
  return {
    id: node.id,
    cluster_id: node.clusterId,
    name: node.name,
    schedulable: node.schedulable,
    labels: { ...node.labels },
    gpus: node.devices.map((device) => ({
      model: device.model,
      memory_gb: Math.round((device.memoryMib / 1024) * 1000) / 1000,
      driver: device.driver,
      allocated: fromThousandths(device.allocated),
    })),
    resources: presentResources(node.total, node.allocated),
    engine: node.engine === null ? null : { id: node.engine.id, name: node.engine.name, address: node.engine.address },
    reachable: node.reachable,
    unreachable_since: node.unreachableSince?.toISOString() ?? null,
    message: node.reachable ? null : (node.engineMessage ?? 'Its engine does not answer.'),
    status: statusOf(node),
    drain: node.drain === null ? null : presentDrain(node.drain),
    warnings: warningsOf(node),
    created_at: node.createdAt.toISOString(),
  };
}

export function presentAllocation(row: AllocationRow): NonNullable<z.infer<typeof Node>['allocations']>[number] {
  return {
    deployment_id: row.deployment_id,
    name: row.name,
    status: row.status,
    priority: row.priority,
    replica: row.replica,
    ...presentAmounts(row),
    gpu_devices: row.device_indexes.map((index, at) => ({ index, gpu: fromThousandths(row.device_amounts[at] ?? 0) })),
    since: row.created_at.toISOString(),
  };
}

function statusOf({ reachable, schedulable, drain }: NodeRecord): z.infer<typeof Node>['status'] {
  if (!reachable) return 'unreachable';
  if (drain !== null) return drain.drainedAt === null ? 'draining' : 'drained';
  return schedulable ? 'ready' : 'cordoned';
}

function presentDrain(drain: NodeDrain): z.infer<typeof Node>['drain'] {
  return {
    since: drain.since.toISOString(),
    deadline: drain.deadline?.toISOString() ?? null,
    jobs: drain.jobs,
    drained_at: drain.drainedAt?.toISOString() ?? null,
    left: [...drain.left],
  };
}

/** What nodes on one engine have together is for their owner to say; that the machine has less is worth a word. */
function warningsOf({ engine }: NodeRecord): string[] {
  if (engine === null) return [];
  return (['ram', 'cpu'] as const).flatMap((dimension) => {
    const has = engine.found[dimension];
    const said = engine.declared[dimension];
    if (has === null || said <= has) return [];
    const unit = { ram: 'GB of memory', cpu: 'cores' }[dimension];
    const many = engine.nodes > 1 ? `the ${engine.nodes} nodes on it say` : 'the node says';
    return [`its engine has ${fromThousandths(has)} ${unit}, ${many} ${fromThousandths(said)}`];
  });
}
