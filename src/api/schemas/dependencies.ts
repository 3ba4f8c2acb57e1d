import { z } from 'zod';
import { conditions } from '../../core/dependencies.ts';
import { id, text } from './common.ts';

const condition = z.enum(conditions);

/** What a submission says about others that have to end before it. */
export const dependencyFields = {
  depends_on: z
    .array(
      z.strictObject({
        deployment: text(1, 80).describe(
          'An id, or a name: of another one in the same batch, else of the newest that has it. Of an array: all of it, or "name[3]".',
        ),
        condition: condition.default('succeeded').describe('How it has to end; `any`: it has to end.'),
      }),
    )
    .max(32, { message: 'must have at most 32 entries' })
    .default([])
    .describe('It waits until all of these have ended so, and is skipped where one can no longer.'),
};

export const Dependency = z.object({
  deployment_id: id.nullable().describe('Null where it is an array, or was deleted.'),
  array_id: id.nullable(),
  name: z.string(),
  condition,
  state: z.enum(['waiting', 'met', 'broken']),
});
