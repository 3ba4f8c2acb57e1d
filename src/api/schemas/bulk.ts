import { z } from 'zod';
import { id } from './common.ts';
import { priority } from './deployments.ts';

/** One that nobody was given is told of in its place of the answer; what can't be written in an id at all is a mistake of the request. */
const writtenId = id.refine((text) => /^[\x21-\x7E]+$/.test(text), {
  message: 'must be the id of a deployment, as the API handed it out',
});

const idsMax = 500;

/** The same verb for many deployments. */
export const BulkChange = z
  .strictObject({
    ids: z
      .array(writtenId)
      .min(1, { message: 'must name at least one deployment' })
      .max(idsMax, { message: `must name at most ${idsMax} deployments` }),
    action: z.enum(['cancel', 'stop', 'retry', 'delete', 'set_priority']),
    priority: priority.optional().describe('With `set_priority`: the new one.'),
  })
  .superRefine((body, context) => {
    const isAsked = body.action === 'set_priority';
    if (isAsked === (body.priority !== undefined)) return;
    const message = isAsked ? 'is missing: the new priority' : 'must be left out: it is only for `set_priority`';
    context.addIssue({ code: 'custom', path: ['priority'], message });
  });

const BulkResult = z.object({
  id,
  ok: z.boolean(),
  error: z
    .object({ code: z.string().describe('One of the codes of the error catalogue.'), detail: z.string() })
    .nullable()
    .describe('Why nothing was done to it; null where it was.'),
});

export const BulkAnswer = z.object({
  results: z.array(BulkResult).describe('One for each of `ids`, in their order.'),
});
