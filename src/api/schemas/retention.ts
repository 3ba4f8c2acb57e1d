import { z } from 'zod';

const yearsTen = 315_360_000;

export const retentionFields = {
  keep_for_s: z
    .number({ error: 'must be a whole number of seconds, or null' })
    .int({ message: 'must be a whole number of seconds, or null' })
    .min(0, { message: 'must be 0 or more seconds, or null for as long as the cluster keeps everything' })
    .max(yearsTen, { message: 'must be at most ten years, 315360000 seconds' })
    .nullable()
    .default(null)
    .describe('Seconds after its end until it is deleted, with its logs; null: as the policy of the cluster says.'),
};

/** The policy of a cluster. */
export const retention = z
  .number({ error: 'must be a number of seconds, or null' })
  .min(1, { message: 'must be 1 or more seconds, or null for ever' })
  .max(yearsTen, { message: 'must be at most ten years, 315360000 seconds, or null for ever' })
  .nullable()
  .describe('Seconds after their end until deployments are deleted, with their logs; null: never.');
