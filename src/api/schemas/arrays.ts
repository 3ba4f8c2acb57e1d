import { z } from 'zod';
import { statuses } from '../../core/lifecycle.ts';
import { id, NamePart, PageQuery, timestamp } from './common.ts';

export const elementsMax = 10_000;

/** What a submission says about being many. */
export const arrayFields = {
  count: z
    .number({ error: `must be a whole number from 1 to ${elementsMax}` })
    .int({ message: `must be a whole number from 1 to ${elementsMax}` })
    .min(1, { message: `must be a whole number from 1 to ${elementsMax}` })
    .max(elementsMax, { message: `must be a whole number from 1 to ${elementsMax}` })
    .default(1)
    .describe(
      'Makes so many deployments of it, an array: each finds its own number, from 0, in HYPERVISOR_ARRAY_INDEX. Only jobs.',
    ),
  array_parallel: z
    .number({ error: 'must be a whole number, or null' })
    .int({ message: 'must be a whole number, or null' })
    .min(1, { message: 'must be 1 or more, or null for all' })
    .max(elementsMax, { message: `must be at most ${elementsMax}` })
    .nullable()
    .default(null)
    .describe('At most so many of the array are in the queue, or run, at once; null: all.'),
};

/** What an element says about its array. */
export const ArrayElement = z.object({
  id,
  index: z.number().int().describe('From 0.'),
  count: z.number().int().describe('How many were submitted.'),
});

export const DeploymentArray = z.object({
  id,
  organization_id: id,
  cluster_id: id,
  name: z.string(),
  count: z.number().int().describe('How many were submitted.'),
  parallel: z.number().int().nullable(),
  counts: z
    .object(Object.fromEntries(statuses.map((status) => [status, z.number().int()])) as CountOfEach)
    .describe('How many of it have each status. Those that were deleted are in none.'),
  submitted_by: id.nullable(),
  created_at: timestamp,
});

type CountOfEach = Record<(typeof statuses)[number], z.ZodNumber>;

/** What became of a verb that was meant for all of an array. */
export const ArrayChange = DeploymentArray.extend({
  changed: z.number().int().describe('How many of it were changed.'),
});

export const ArrayListQuery = PageQuery.extend({
  cluster_id: id.optional(),
  name: NamePart,
  open: z.stringbool().optional().describe('True: only those of which something is queued or active.'),
});

export const ForceQuery = z.strictObject({
  force: z.stringbool().default(false).describe('Also where others wait for it: those are skipped then.'),
});
