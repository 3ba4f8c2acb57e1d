/** The lines of a cluster's history (src/simulate/history-format.ts). */
import type { z } from 'zod';
import type { HistoryHeader, HistoryLine } from '../../simulate/history-format.ts';
import { fromThousandths } from '../../store/amounts.ts';
import type { NodeRecord } from '../../store/nodes.ts';
import type { HistoryRow } from '../../store/trace.ts';

export function presentHeader(name: string, nodes: readonly NodeRecord[]): z.input<typeof HistoryHeader> {
  return { hvtrace: 1, cluster: { name, nodes: nodes.map(presentNode) } };
}

function presentNode(node: NodeRecord): z.input<typeof HistoryHeader>['cluster']['nodes'][number] {
  return {
    name: node.name,
    ram: fromThousandths(node.total.ram),
    cpu: fromThousandths(node.total.cpu),
    gpus: node.devices.map(({ model, memoryMib, driver }) => ({
      model,
      memory_gb: Math.round((memoryMib / 1024) * 1000) / 1000,
      driver,
    })),
    labels: { ...node.labels },
    schedulable: node.schedulable,
  };
}

export function presentHistory(row: HistoryRow): HistoryLine {
  return {
    id: row.id,
    user: row.username,
    kind: row.kind,
    status: row.status,
    priority: row.priority,
    ram_required: Number(row.ram_required),
    cpu_required: Number(row.cpu_required),
    gpu_required: Number(row.gpu_required),
    gpu_models: row.gpu_models,
    gpu_memory_required: Number(row.gpu_memory_required),
    node_labels: row.node_labels,
    max_per_node: row.max_per_node,
    replicas: row.replicas,
    time_limit_s: row.time_limit_s,
    // Of the last attempt: what is known of its run belongs to it.
    submitted_at: row.queued_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}
