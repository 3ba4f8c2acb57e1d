import { z } from 'zod';
import { spanFields } from '../time-span.ts';
import { Amounts, timestamp } from './common.ts';

export const HistoryQuery = z.strictObject({
  ...spanFields,
  points: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .default(200)
    .describe('How many samples at most; where there are more, each is an average.'),
});

const known = z.number().nullable();

export const ClusterSample = z.object({
  at: timestamp.describe('When the time begins that it stands for.'),
  total: Amounts,
  allocated: Amounts,
  used: z
    .object({ ram: known, cpu: known, gpu: known })
    .describe('What containers were seen to use, as far as their engines tell; null: not known.'),
  queued: z.number().describe('How many were queued, on average.'),
  running: z.number(),
});
export const ClusterHistory = z.object({
  items: z
    .array(ClusterSample)
    .describe('The oldest first. Times of which nothing is known are left out: the control plane was not there.'),
});
