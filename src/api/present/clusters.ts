import type { z } from 'zod';
import { fromThousandths } from '../../store/amounts.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import type { NodeRecord } from '../../store/nodes.ts';
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
    created_at: node.createdAt.toISOString(),
  };
}
