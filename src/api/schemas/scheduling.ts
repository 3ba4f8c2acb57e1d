import { z } from 'zod';
import { id, NamePart, PageQuery, timestamp } from './common.ts';
import { Waiting } from './deployments.ts';

export const ScheduleQuery = z.strictObject({
  dryRun: z.stringbool().default(false).describe('Decide, but commit nothing.'),
});

const Placed = z.object({
  decision: z.literal('place'),
  deployment_id: id,
  name: z.string(),
  position: z.number().int(),
  priority: z.number().int(),
  effective_priority: z.number().int(),
  promoted: z.boolean(),
  backfilled: z.boolean(),
  placements: z.array(
    z.object({ replica: z.number().int(), node: z.string(), gpu_devices: z.array(z.number().int()) }),
  ),
});
/** Who is stopped for whom, what it costs, and which other sets would have done; those cost as much or more. */
export const PreemptionReceipt = z.object({
  highest_priority: z.number().int().describe('The best priority among those that are stopped.'),
  lost_work_s: z.number().describe('How long they had run, each replica by itself.'),
  victims: z.array(z.object({ deployment_id: id, priority: z.number().int(), lost_work_s: z.number() })),
  alternatives: z.array(
    z.object({ highest_priority: z.number().int(), lost_work_s: z.number(), victims: z.array(id) }),
  ),
});
const Preempts = Waiting.extend({
  decision: z.literal('preempt'),
  deployment_id: id,
  name: z.string(),
  priority: z.number().int(),
  placements: Placed.shape.placements.describe('What it gets when those that are stopped for it are gone.'),
  receipt: PreemptionReceipt,
});
const Waits = Waiting.extend({
  decision: z.literal('wait'),
  deployment_id: id,
  name: z.string(),
  priority: z.number().int(),
});
export const Decision = z.discriminatedUnion('decision', [Placed, Preempts, Waits]);

/** What one pass decided. Of those that wait, the first thousand in order are listed; the counts are of all. */
const boundMeaning =
  'No choice inside the levels of priority, each after those before it as they were chosen, admits more than this.';

const solverUse = z.enum(['not_asked', 'no_answer', 'nothing_better', 'better']);
const solverMeaning =
  'The exact solver: not asked, without an answer in its time, with nothing better than the plan, or with a better one, which this is.';

export const PassResult = z.object({
  pass_id: id.nullable().describe('Null where nothing changed, or in a dry run.'),
  dry_run: z.boolean(),
  queued: z.number().int().describe('How many were queued before it.'),
  admitted: z.number().int(),
  promoted: z.number().int(),
  preempting: z.number().int().describe('For how many others are stopped now; they wait until those are gone.'),
  waiting: z.number().int(),
  bound: z.number().int().describe(boundMeaning),
  gap: z.number().int().describe('`bound` less `admitted`.'),
  proven_optimal: z.boolean().describe('True where nobody could have admitted more.'),
  solver: solverUse.describe(solverMeaning),
  duration_ms: z.number(),
  decisions: z.array(Decision),
});

export const PolicyPreview = z.object({
  current: PassResult.describe('What a pass would decide now.'),
  changed: PassResult.describe('What it would decide on the same state with the changed policy.'),
});

export const QueueQuery = PageQuery.extend({
  submitted_by: id.optional().describe('Only those of this user; their positions are those in the whole queue.'),
  name: NamePart,
});
export const QueueEntry = Waiting.extend({
  deployment_id: id,
  name: z.string(),
  priority: z.number().int(),
  ram_required: z.number(),
  cpu_required: z.number(),
  gpu_required: z.number(),
  replicas: z.number().int(),
  queued_at: timestamp,
  submitted_by: id.nullable(),
});

export const Pass = z.object({
  id,
  cluster_id: id,
  trigger: z.enum(['automatic', 'api']),
  queued: z.number().int(),
  admitted: z.number().int(),
  promoted: z.number().int(),
  reservations: z.number().int(),
  bound: z.number().int().nullable().describe(`${boundMeaning} Null of passes before this was written down.`),
  gap: z.number().int().nullable(),
  proven_optimal: z.boolean().nullable(),
  solver: solverUse.nullable().describe(`${solverMeaning} Null of passes before this was written down.`),
  preemptions: z.array(PreemptionReceipt.extend({ deployment_id: id.describe('For whom they were stopped.') })),
  duration_ms: z.number(),
  created_at: timestamp,
});

export const PassDetail = Pass.extend({
  admissions: z
    .array(
      z.object({
        deployment_id: id,
        name: z.string().describe('Empty where it was deleted.'),
        nodes: z.array(z.string()),
        priority: z.number().int(),
        effective_priority: z.number().int(),
        position: z.number().int().describe('In the queue before the pass.'),
        promoted: z.boolean(),
        backfilled: z.boolean(),
      }),
    )
    .describe('Whom it admitted, in order. Empty of passes before this was written down.'),
  waiting: z
    .array(
      z.object({
        deployment_id: id,
        name: z.string().describe('Empty where it was deleted.'),
        position: z.number().int(),
        priority: z.number().int(),
        effective_priority: z.number().int(),
        reason: z.string(),
        message: z.string(),
      }),
    )
    .describe('The first hundred of those that it left waiting, in order. Kept for a week.'),
  waiting_reasons: z
    .array(z.object({ reason: z.string(), count: z.number().int() }))
    .describe('For which reasons how many waited, the most frequent first. Kept for a week.'),
  waiting_counted: z
    .number()
    .int()
    .describe('Of how many that is: all, or only the first hundred where there were too many kinds of them.'),
});

export const Event = z.object({
  id: z.string().describe('Also the cursor of lists and `Last-Event-ID` of the stream.'),
  type: z.string(),
  message: z.string(),
  organization_id: id,
  cluster_id: id.nullable(),
  deployment_id: id.nullable(),
  actor_id: id.nullable().describe('The user behind it; null for the control plane itself.'),
  data: z.record(z.string(), z.unknown()),
  created_at: timestamp,
});
export const EventListQuery = PageQuery.extend({
  cluster_id: id.optional(),
  deployment_id: id.optional(),
  type: z.string().max(80).optional().describe('One type, or a family of them like `webhook.*`.'),
  actor_id: id.optional().describe('Only what this user did.'),
  order: z.enum(['asc', 'desc']).default('asc'),
});
export const EventStreamQuery = z.strictObject({
  cluster_id: id.optional(),
  deployment_id: id.optional(),
  last_event_id: z.string().max(64).optional().describe('In place of the header, where a client cannot set one.'),
  named: z
    .stringbool()
    .default(true)
    .describe('With the type of each as the name of its event; without, a browser hands all of them to one listener.'),
});
