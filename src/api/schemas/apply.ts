import { z } from 'zod';
import { Amounts, id, resourceName, timestamp } from './common.ts';
import { Deployment, DeploymentCreate, Status } from './deployments.ts';
import { PreemptionReceipt } from './scheduling.ts';

const fileSet = resourceName
  .default('default')
  .describe('What is declared together. A name is declared in one set; another set can not take it over.');

const deployments = z.array(DeploymentCreate).min(1).max(1000);
const replace = z.boolean().default(false).describe('Stop what is active and differs, and queue what is declared.');
const rerun = z.boolean().default(false).describe('Run finished jobs again, also where nothing has changed.');
const prune = z
  .boolean()
  .default(false)
  .describe('Withdraw or stop what the set declared before and does not any more.');

export const DeploymentApply = z.strictObject({
  deployments: deployments.describe('Each has a name, and no two the same. All are applied, or none.'),
  file_set: fileSet,
  replace,
  rerun,
  prune,
});

export const DeploymentPlan = DeploymentApply.extend({
  deployments,
  as: z
    .enum(['submit', 'apply'])
    .default('submit')
    .describe('What is planned: that they are submitted, one and all, or that they are applied to what is there.'),
});

/** One field in which two differ. */
const Change = z.object({
  field: z.string().describe('Its dotted path.'),
  path: z.array(z.string()),
  from: z.unknown().optional().describe('What is there; left out where there is nothing.'),
  to: z.unknown().optional().describe('What is declared; left out where nothing is.'),
});

/** What is to be done under one name, and why. */
export const Comparison = z.object({
  index: z.number().int().nullable().describe('Its place in the request; null of one that is only there still.'),
  name: z.string(),
  action: z.enum(['create', 'update', 'replace', 'unchanged', 'conflict', 'prune']),
  message: z.string().describe('The action in plain words.'),
  keeps_age: z.boolean().describe('Whether its place in the queue stays what it is.'),
  deployment_id: id.nullable().describe('What is there under its name.'),
  status: Status.nullable(),
  changes: z.array(Change),
});

export const DiffResult = z.object({
  differs: z.boolean().describe('Whether applying would do anything, or could not.'),
  deployments: z.array(Comparison),
});

/** How the next pass would decide if it came now. */
const Standing = z.object({
  decision: z.enum(['place', 'preempt', 'wait']),
  starts_now: z.boolean(),
  position: z.number().int().describe('From 1, among all that are queued.'),
  effective_priority: z.number().int(),
  message: z.string().describe('Where it starts, or why it waits, in plain words.'),
  placements: z
    .array(z.object({ replica: z.number().int(), node: z.string(), gpu_devices: z.array(z.number().int()) }))
    .describe('Where its replicas start, now or when those are gone that are stopped for it; none while it waits.'),
  reason: z.string().nullable().describe('Why it waits: a code, as in the queue.'),
  shortfall: Amounts,
  nearest_node: z.string().nullable(),
  reservation: z.object({ nodes: z.array(z.string()), starts_at: timestamp.nullable() }).nullable(),
  receipt: PreemptionReceipt.nullable().describe('Who would be stopped for it, and at what cost.'),
  stops: z.array(z.object({ deployment_id: id, name: z.string() })).describe('Who would be stopped for it, by name.'),
});

export const PlanResult = z.object({
  deployments: z.array(
    Comparison.extend({
      errors: z
        .array(z.object({ field: z.string(), message: z.string() }))
        .describe('Why its cluster could never hold it: it would be refused.'),
      standing: Standing.nullable().describe(
        'Null where it is refused, active or over, or waits for others first. Of an array, that of its first element.',
      ),
    }),
  ),
});

export const ApplyResult = z.object({
  deployments: z.array(
    z.object({
      index: z.number().int().nullable(),
      name: z.string(),
      result: z.enum(['created', 'updated', 'replaced', 'unchanged', 'pruned']),
      changes: z.array(Change),
      deployment: Deployment,
      replaced_id: id.nullable().describe('Whose place it has taken.'),
    }),
  ),
});
