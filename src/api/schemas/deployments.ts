import { z } from 'zod';
import { replicaStatuses, statuses } from '../../core/lifecycle.ts';
import { ArrayElement, arrayFields, elementsMax } from './arrays.ts';
import {
  cpuAmount,
  gpuAmount,
  gpuMemoryAmount,
  id,
  NamePart,
  nodeLabelsOf,
  nodeLabelValue,
  PageQuery,
  portNumber,
  ramAmount,
  resourceName,
  storable,
  text,
  timestamp,
  variableName,
} from './common.ts';
import { dataAnswers, dataFields } from './data.ts';
import { Dependency, dependencyFields } from './dependencies.ts';
import { HealthCheck, HealthCheckCreate, health } from './health.ts';
import { lifeAnswer, lifeCreate } from './life.ts';
import { retentionFields } from './retention.ts';

export const Status = z.enum(statuses);
export const Kind = z.enum(['job', 'service']);

const PortCreate = z.strictObject({
  container: portNumber,
  host: portNumber.nullable().default(null).describe('Null: a free one is picked.'),
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
});

function eachHostPortOnce(ports: readonly z.infer<typeof PortCreate>[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { host, protocol }] of ports.entries()) {
    if (host === null) continue;
    const name = `${host}/${protocol}`;
    if (seen.has(name))
      context.addIssue({ code: 'custom', path: [index, 'host'], message: `repeats the port ${name}` });
    seen.add(name);
  }
}

export const Port = z.object({ container: z.number(), host: z.number().nullable(), protocol: z.enum(['tcp', 'udp']) });

/** A port as the world reaches it. */
const PublishedPort = Port.extend({
  address: z
    .string()
    .nullable()
    .describe('Where it is reached, with `host` as the port; null where nobody listens, as on a simulated node.'),
});

const variableValue = storable(32_768);
const gpuModel = text(1, 80).refine((value) => !/\p{Surrogate}/u.test(value), {
  message: 'must be well-formed Unicode',
});
const labelName = text(1, 128).refine((name) => !name.startsWith('hypervisor.'), {
  message: 'must not begin with "hypervisor."',
});

/**
 * The grammar of image references (distribution/reference), as far as a wrong one can be told without a registry:
 * [host[:port]/]path[:tag][@sha256:digest], in lower case but for host and tag.
 */
const imageReference = text(1, 512).regex(
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/,
  { message: 'must be an image reference like "busybox:1.36" or "registry.example.com/team/app:2"' },
);

export const priority = z
  .number({ error: 'must be a whole number from 1 to 100' })
  .int({ message: 'must be a whole number from 1 to 100' })
  .min(1, { message: 'must be a whole number from 1 to 100' })
  .max(100, { message: 'must be a whole number from 1 to 100' });

export const DeploymentCreate = z.strictObject({
  cluster_id: id,
  name: resourceName.optional().describe('For people; default: made from the image. Need not be unique.'),
  kind: Kind.default('job').describe('A job runs to completion, a service until it is stopped.'),
  docker_image: imageReference,
  command: z.array(storable(32_768)).max(1000).nullable().default(null).describe("Replaces the image's command."),
  env: z.record(variableName, variableValue).default({}),
  ports: z.array(PortCreate).max(64).superRefine(eachHostPortOnce).default([]),
  labels: z.record(labelName, storable(1024)).default({}),
  pull_policy: z.enum(['always', 'missing', 'never']).default('missing'),
  ram_required: ramAmount.refine((ram) => ram > 0, { message: 'must be more than 0 GB' }).describe('For each replica.'),
  cpu_required: cpuAmount
    .refine((cpu) => cpu > 0, { message: 'must be more than 0 cores' })
    .describe('For each replica.'),
  gpu_required: gpuAmount
    .refine((gpu) => gpu < 1 || Number.isInteger(gpu), {
      message: 'must be a whole number of devices, or a share of one below 1',
    })
    .default(0)
    .describe('For each replica.'),
  gpu_models: z.array(gpuModel).max(32).default([]).describe('Any of these; empty: any model.'),
  gpu_memory_required: gpuMemoryAmount
    .default(0)
    .describe('GB that each of its GPU devices has at least; 0: any will do.'),
  node_labels: nodeLabelsOf(nodeLabelValue)
    .default({})
    .describe('Only nodes that have all of these labels; empty: any node.'),
  max_per_node: z
    .number({ error: 'must be a whole number of replicas, or null' })
    .int({ message: 'must be a whole number of replicas' })
    .min(1, { message: 'must be 1 or more replicas, or null for any number' })
    .max(1000, { message: 'must be at most 1000 replicas' })
    .nullable()
    .default(null)
    .describe('At most so many of its replicas on one node; 1: each on a node of its own; null: any number.'),
  replicas: z.number().int().min(1).max(1000).default(1).describe('All start together, or none.'),
  priority: priority.default(50).describe('1 to 100; a lower number goes first.'),
  time_limit_s: z
    .number()
    .int()
    .min(1)
    .max(31_536_000)
    .nullable()
    .default(null)
    .describe('Seconds; it is stopped then. Helps to plan ahead.'),
  stop_grace_s: z.number().int().min(0).max(3600).default(10).describe('Seconds between the signal and the kill.'),
  health_check: HealthCheckCreate.nullable()
    .default(null)
    .describe('How to find out whether a replica is well; null: one that runs is.'),
  ...dataFields,
  ...arrayFields,
  ...dependencyFields,
  ...retentionFields,
  ...lifeCreate,
});

export const DeploymentBatchCreate = z.strictObject({
  deployments: z.array(DeploymentCreate).min(1).max(1000).describe('All are accepted, or none.'),
});

export const DeploymentUpdate = z.strictObject({ priority });

export const Replica = z.object({
  index: z.number().int(),
  attempt: z.number().int(),
  status: z.enum(replicaStatuses),
  run: z.number().int().describe('Counts from 1; a replica that is started again in its place is in its next run.'),
  restarts: z.number().int().describe('How often its restart policy started it again in this attempt.'),
  restarts_in_row: z.number().int(),
  revision: z.number().int().describe('Of its service: what it runs.'),
  next_start_at: timestamp.nullable().describe('Set while it is `restarting`.'),
  node: z.string(),
  gpu_devices: z.array(z.number().int()),
  container_id: z.string().nullable(),
  ports: z.array(PublishedPort),
  ready: z.boolean().describe('It runs and, where its health is checked, was found well.'),
  health: health.nullable().describe('Null: it is not checked, or did not run yet.'),
  health_since: timestamp.nullable(),
  health_message: z.string().nullable().describe('What the last check found, in plain words.'),
  exit_code: z.number().int().nullable(),
  reason: z.string().nullable(),
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  peak_ram: z.number().nullable().describe('The most memory that it was seen to hold, in GB.'),
  cpu_seconds: z.number().nullable().describe('CPU time, as far as it was seen.'),
});

/** Those of the scheduler, and what is so until it has looked, or has done what it decided. */
const reasonsInQueue = [
  'pending',
  'due',
  'pass_full',
  'preempting',
  'held_by_reservation',
  'port_taken',
  'maintenance',
  'level_chose_larger_set',
  'insufficient_resources',
  'fragmented',
  'no_schedulable_node',
  'never_fits',
] as const;
const aboutReasons = 'A code; stable. Later versions may have more of them.';

/** Why a queued one waits. Amounts are what is missing for one replica on the node that comes nearest. */
export const Waiting = z.object({
  position: z.number().int().describe('From 1, in the order of the scheduler.'),
  effective_priority: z.number().int(),
  promoted: z.boolean(),
  reason: z.enum(reasonsInQueue).describe(aboutReasons),
  message: z.string().describe('The reason in plain words.'),
  shortfall: z.object({ ram: z.number(), cpu: z.number(), gpu: z.number() }),
  nearest_node: z.string().nullable(),
  reservation: z.object({ nodes: z.array(z.string()), starts_at: timestamp.nullable() }).nullable(),
  waits_for: z.array(id).describe('Deployments that are being stopped for it.'),
});

/** What waits for others to end has no place in the queue of its cluster. */
const WaitingOutside = Waiting.extend({
  position: Waiting.shape.position
    .nullable()
    .describe('From 1, in the order of the scheduler; null while it waits for others.'),
  reason: z.enum([...reasonsInQueue, 'dependencies', 'array_parallel']).describe(aboutReasons),
  waits_for: z.array(id).describe('Deployments that are being stopped for it, or that it depends on.'),
});

export const Deployment = z.object({
  id,
  organization_id: id,
  cluster_id: id,
  name: z.string(),
  kind: Kind,
  docker_image: z.string(),
  command: z.array(z.string()).nullable(),
  env: z.record(z.string(), z.string()),
  ports: z.array(Port),
  labels: z.record(z.string(), z.string()),
  pull_policy: z.enum(['always', 'missing', 'never']),
  ram_required: z.number(),
  cpu_required: z.number(),
  gpu_required: z.number(),
  gpu_models: z.array(z.string()),
  gpu_memory_required: z.number(),
  node_labels: z.record(z.string(), z.string()),
  max_per_node: z.number().int().nullable(),
  replicas: z.number().int(),
  ready_replicas: z
    .number()
    .int()
    .describe('How many of them run and, where their health is checked, were found well.'),
  priority: z.number().int(),
  time_limit_s: z.number().int().nullable(),
  stop_grace_s: z.number().int(),
  health_check: HealthCheck.nullable(),
  ...dataAnswers,
  ...lifeAnswer,
  status: Status,
  attempt: z.number().int(),
  reason_code: z.string().nullable(),
  reason: z.string().nullable().describe('Why it has the status that it has, in plain words.'),
  exit_code: z.number().int().nullable(),
  submitted_by: id.nullable(),
  array: ArrayElement.nullable().describe('Null where it is no element of an array.'),
  keep_for_s: z.number().int().nullable(),
  schedule_id: id.nullable().describe('The schedule that submitted it; null where a person did.'),
  unmet_dependencies: z.number().int().describe('How many of its dependencies are not met yet.'),
  file_set: z
    .string()
    .nullable()
    .describe(
      'The set of files that it was applied from; null where it was submitted, or another has taken its place.',
    ),
  created_at: timestamp,
  queued_at: timestamp,
  admitted_at: timestamp.nullable(),
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  version: z.number().int(),
});

/** One deployment read by itself also says why it waits, and where its replicas are. */
export const DeploymentDetail = Deployment.extend({
  replica_states: z.array(Replica),
  waiting: WaitingOutside.nullable().describe('Set while it is queued.'),
  expires_at: timestamp.nullable().describe('When it is deleted; null: never, or it is not over.'),
  dependencies: z.array(Dependency).describe('What it waits for, or has waited for.'),
  hints: z.array(z.string()).describe('In words: where the request is far too large for what was used.'),
});

export const DeploymentListQuery = PageQuery.extend({
  cluster_id: id.optional(),
  status: z
    .string()
    .max(200)
    .optional()
    .transform((value) => value?.split(','))
    .pipe(z.array(Status).optional())
    .describe('One status or several, separated by commas.'),
  kind: Kind.optional(),
  priority: z.coerce.number().int().min(1).max(100).optional(),
  name: NamePart,
  submitted_by: id.optional(),
  array_id: id.optional().describe('Only elements of this array.'),
  array_index: z
    .string()
    .regex(/^\d{1,5}$/, { message: `must be a whole number from 0 to ${elementsMax - 1}` })
    .transform(Number)
    .optional()
    .describe('Only elements of this number.'),
  in_array: z.stringbool().optional().describe('False: only those that are no element of an array.'),
  sort: z.enum(['created_at', '-created_at', 'priority', '-priority']).default('-created_at'),
});

export const LogQuery = z.strictObject({
  attempt: z.coerce.number().int().min(1).optional().describe('Default: the latest.'),
  replica: z
    .union([z.literal('all'), z.coerce.number().int().min(0)], { error: 'must be the number of a replica, or "all"' })
    .default(0)
    .describe('One of them, or "all" of the attempt in one stream.'),
  run: z.coerce.number().int().min(1).optional().describe('Of this run of the replica. Default: the latest.'),
  stream: z.enum(['stdout', 'stderr']).optional().describe('Only what was written to this one.'),
  tail: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('Only the last so many lines, of each replica.'),
  since: z.iso.datetime({ offset: true }).optional().describe('Only lines from this time on.'),
  follow: z.stringbool().default(false).describe('Stay, and send lines as they are written, until it ends.'),
  format: z
    .enum(['text', 'ndjson'])
    .default('text')
    .describe('Plain lines, or one JSON object a line: {replica, attempt, run, stream, at, text}.'),
});
