/**
 * The format of a cluster's own history, `.hvtrace.jsonl`: the first line is the cluster, each other line a deployment, with
 * the names, units and limits that the API has. The control plane writes it (src/api/routes/trace.ts), `hv simulate` reads it.
 */
import { z } from 'zod';
import { NodeCreate } from '../api/schemas/clusters.ts';
import { DeploymentCreate, Status } from '../api/schemas/deployments.ts';

const historyVersion = 1;

const time = z.iso.datetime({ offset: true, error: 'must be a time like 2026-01-31T09:30:00Z' });
/** Amounts may be 0 here: other formats turned into this one know no memory, or no cores. */
const amount = z.number({ error: 'must be a number' }).min(0, { message: 'must be 0 or more' });

export const HistoryHeader = z.object({
  hvtrace: z.literal(historyVersion, { error: `must be ${historyVersion}, the one version that there is` }),
  cluster: z.object({
    name: z.string(),
    nodes: z
      .array(NodeCreate.extend({ ram: amount, cpu: amount, schedulable: z.boolean().default(true) }).loose())
      .min(1, { message: 'must be at least one node' }),
  }),
});

const requested = DeploymentCreate.pick({
  kind: true,
  gpu_required: true,
  gpu_models: true,
  gpu_memory_required: true,
  node_labels: true,
  max_per_node: true,
  replicas: true,
  priority: true,
  time_limit_s: true,
}).shape;

export const HistoryLine = z
  .object({
    id: z.string({ error: 'must be text' }),
    ...requested,
    ram_required: amount,
    cpu_required: amount,
    user: z.string().nullable().default(null),
    status: Status,
    submitted_at: time,
    started_at: time.nullable().default(null).describe('Of the last attempt; null where it never ran.'),
    finished_at: time.nullable().default(null),
  })
  .superRefine((line, context) => {
    if (line.started_at !== null && line.finished_at !== null && line.finished_at < line.started_at)
      context.addIssue({ code: 'custom', path: ['finished_at'], message: 'must not be before started_at' });
  });

export type HistoryHeader = z.infer<typeof HistoryHeader>;
export type HistoryLine = z.infer<typeof HistoryLine>;
