import { z } from 'zod';

const count = z.number().int();
const seconds = z.number().nullable();

export const Overview = z.object({
  deployments: z
    .object({ queued: count, starting: count, running: count, stopping: count })
    .describe('How many there are now, of each status that is not final.'),
  finished_24h: z
    .object({ succeeded: count, failed: count, cancelled: count, skipped: count })
    .describe('How many have ended in the last 24 hours.'),
  waits_24h: z
    .object({
      median_s: seconds,
      p90_s: seconds.describe('Nine of ten waited no longer.'),
      count: count.describe('Of how many.'),
    })
    .describe(
      'From entering the queue to being admitted, of those admitted in the last 24 hours; null where there are none.',
    ),
  longest_waiting_s: seconds.describe(
    'How long the oldest of the queue has waited; null where nobody waits for the scheduler.',
  ),
});
