import { z } from 'zod';
import {
  CreationSort,
  cpuAmount,
  gpuMemoryAmount,
  id,
  NamePart,
  nodeLabelsOf,
  nodeLabelValue,
  PageQuery,
  Resources,
  ramAmount,
  resourceName,
  text,
  timestamp,
  wholeGpus,
} from './common.ts';
import { absolutePath } from './data.ts';
import { Status } from './deployments.ts';
import { engineRef } from './engines.ts';
import { retention } from './retention.ts';

const backfill = z
  .enum(['largest_set', 'learned'])
  .describe(
    'Who of a level goes first: as many as can run, or who is expected to be short, learned from how long the jobs of the same user ran.',
  );

const hostPathsMax = 64;
const HostPath = z.object({ path: z.string(), read_only: z.boolean() });
const allowedHostPaths = z
  .array(z.strictObject({ path: absolutePath, read_only: z.boolean().default(true) }))
  .max(hostPathsMax, { message: `must be at most ${hostPathsMax} directories` })
  .superRefine((paths, context) => {
    for (const [index, { path }] of paths.entries()) {
      if (paths.findIndex((one) => one.path === path) === index) continue;
      context.addIssue({ code: 'custom', path: [index, 'path'], message: `repeats the path ${path}` });
    }
  })
  .describe("Directories of the engine's machine that deployments may use, and what lies below them.");

export const Policy = z.object({
  aging_interval_s: z.number().describe('Waiting this long raises the effective priority by one; 0: off.'),
  reservation_after_s: z.number().describe('Passed over for longer than this, a deployment gets a reservation.'),
  backfill,
  lost_after_s: z
    .number()
    .describe('When an engine has not answered for so long, what was on it is given up, and runs elsewhere if it may.'),
  retention_s: retention,
  preemption: z.object({
    enabled: z.boolean().describe('Whether what runs is stopped, and queued again, for what is more important.'),
    min_run_time_s: z.number().describe('Nothing is stopped that has not run for so long.'),
  }),
});
const seconds = z
  .number()
  .min(0)
  .max(31_536_000)
  .refine((value) => Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6, {
    message: 'has more than three decimals',
  });
export const PolicyUpdate = z.strictObject({
  aging_interval_s: seconds.optional(),
  reservation_after_s: seconds.optional(),
  backfill: backfill.optional(),
  lost_after_s: seconds.optional(),
  retention_s: retention.optional(),
  preemption: z.strictObject({ enabled: z.boolean().optional(), min_run_time_s: seconds.optional() }).optional(),
});

export const Gpu = z.object({
  model: z.string(),
  memory_gb: z.number(),
  driver: z.enum(['nvidia', 'none']),
  allocated: z.number(),
});
const GpuCreate = z.strictObject({
  model: text(1, 80).default('generic'),
  memory_gb: gpuMemoryAmount.default(0).describe('Its memory; 0: nobody said.'),
  driver: z.enum(['nvidia', 'none']).default('none'),
});

export const NodeCreate = z.strictObject({
  name: resourceName,
  engine: text(1, 64)
    .optional()
    .describe('The engine that runs its containers, by name or id; left out, the installation’s own.'),
  ram: ramAmount.optional().describe('In GB; left out, what the machine of its engine has.'),
  cpu: cpuAmount.optional().describe('In cores; left out, what the machine of its engine has.'),
  gpus: z
    .array(GpuCreate)
    .max(64)
    .optional()
    .describe('One for each device, in the order of their ids; left out, those that were found.'),
  labels: nodeLabelsOf(nodeLabelValue).default({}).describe('What deployments can ask for by `node_labels`.'),
});
export const NodeUpdate = z
  .strictObject({
    schedulable: z.boolean().optional().describe('False cordons it: what runs there goes on, nothing new is placed.'),
    labels: nodeLabelsOf(nodeLabelValue.nullable())
      .optional()
      .describe('These are set; null takes a label away; the others stay.'),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'names nothing to change' });
const NodeDrain = z.object({
  since: timestamp,
  deadline: timestamp
    .nullable()
    .describe('When jobs that have not finished are stopped and queued again; null: never.'),
  jobs: z.enum(['finish', 'stop']),
  drained_at: timestamp.nullable().describe('When nothing was left on it.'),
  left: z
    .array(z.object({ id, name: z.string(), kind: z.enum(['job', 'service']) }))
    .describe('What is still there; the first hundred.'),
});

export const NodeDrainCreate = z.strictObject({
  deadline_s: seconds
    .optional()
    .describe(
      'When jobs are stopped that have not finished, and queued again; left out: they may take as long as they take.',
    ),
  jobs: z.enum(['finish', 'stop']).default('finish').describe('`stop`: they are stopped at once, and queued again.'),
  services: z.literal('move').default('move').describe('They are stopped and queued again, with their age.'),
});

const Allocation = z.object({
  deployment_id: id,
  name: z.string(),
  status: Status,
  priority: z.number().int(),
  replica: z.number().int(),
  ram: z.number(),
  cpu: z.number(),
  gpu: z.number(),
  gpu_devices: z.array(z.object({ index: z.number().int(), gpu: z.number().describe('How much of the device.') })),
  since: timestamp,
});

export const Node = z.object({
  id,
  cluster_id: id,
  name: z.string(),
  schedulable: z.boolean(),
  labels: z.record(z.string(), z.string()),
  gpus: z.array(Gpu),
  resources: Resources,
  engine: engineRef,
  reachable: z.boolean().describe('False: its engine does not answer, and nothing new is placed.'),
  unreachable_since: timestamp.nullable(),
  message: z.string().nullable().describe('Why its engine does not answer, in plain words.'),
  status: z
    .enum(['ready', 'unreachable', 'cordoned', 'draining', 'drained'])
    .describe('The first that holds of: `unreachable`, `draining` or `drained`, `cordoned`.'),
  drain: NodeDrain.nullable().describe('Null where it is not drained.'),
  warnings: z.array(z.string()).describe('What its owner should look at.'),
  allocations: z.array(Allocation).optional().describe('Who holds what of it; left out where nobody asked for it.'),
  created_at: timestamp,
});

/** Either `ram`, `cpu`, `gpu` (one node), or `nodes`. Which of them is missing is said field by field. */
export const ClusterCreate = z.strictObject({
  name: resourceName,
  ram: ramAmount.optional(),
  cpu: cpuAmount.optional(),
  gpu: wholeGpus.optional(),
  nodes: z.array(NodeCreate).min(1).max(10_000).optional(),
  runtime: z.enum(['docker', 'swarm', 'simulated']).default('docker'),
  engine: text(1, 64)
    .optional()
    .describe(
      'Of runtime `swarm`: which swarm, by name or id. Its nodes are those of the cluster, and nothing else is said.',
    ),
  policy: PolicyUpdate.optional(),
  allowed_host_paths: allowedHostPaths.default([]),
});
export const ClusterUpdate = z
  .strictObject({
    name: resourceName.optional(),
    policy: PolicyUpdate.optional(),
    allowed_host_paths: allowedHostPaths
      .optional()
      .describe('All of them: those that are left out are not allowed any more.'),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'names nothing to change' });

export const Cluster = z.object({
  id,
  organization_id: id,
  name: z.string(),
  ram: z.number(),
  cpu: z.number(),
  gpu: z.number(),
  runtime: z.enum(['docker', 'swarm', 'simulated']),
  policy: Policy,
  allowed_host_paths: z.array(HostPath),
  resources: Resources,
  deployments: z.object({ queued: z.number().int(), active: z.number().int() }),
  status: z.enum(['ready', 'unreachable', 'deleting']),
  status_message: z.string().nullable().describe('In plain words, where the status is not `ready`.'),
  version: z.number().int(),
  created_at: timestamp,
});

export const ClusterListQuery = PageQuery.extend({
  name: NamePart,
  runtime: z.enum(['docker', 'swarm', 'simulated']).optional(),
  sort: CreationSort,
});

export const NodeListQuery = PageQuery.extend({
  name: NamePart,
  schedulable: z.stringbool().optional().describe('False: only those that are cordoned.'),
  allocations: z.stringbool().default(false).describe('With who holds what of each.'),
  sort: CreationSort,
});

export const ClusterDeleteQuery = z.strictObject({
  force: z.stringbool().default(false).describe('Stop what is active, then delete.'),
});
