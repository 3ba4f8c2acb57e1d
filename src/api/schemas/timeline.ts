import { z } from 'zod';
import { spanFields } from '../time-span.ts';
import { id, timestamp } from './common.ts';
import { Status } from './deployments.ts';

export const TimelineQuery = z.strictObject(spanFields);

const TimelineRun = z.object({
  deployment_id: id,
  name: z.string(),
  status: Status.describe('Of this run: how it stands, or how it ended.'),
  attempt: z.number().int(),
  replica: z.number().int(),
  node_id: id.nullable().describe('Null where the node is gone.'),
  node: z.string(),
  started_at: timestamp,
  ended_at: timestamp.nullable().describe('Null: it goes on.'),
  expected_end_at: timestamp.nullable().describe('When its time limit ends it at the latest; null where it has none.'),
});

const TimelineReservation = z.object({
  deployment_id: id,
  name: z.string(),
  nodes: z.array(z.string()),
  starts_at: timestamp
    .nullable()
    .describe('The earliest start that declared time limits allow; null where they say nothing.'),
  position: z.number().int(),
});

export const Timeline = z.object({
  runs: z.array(TimelineRun).describe('The latest first, at most 5,000.'),
  reservations: z.array(TimelineReservation).describe('What is kept at the moment for those who have waited long.'),
  truncated: z.boolean().describe('There were more runs than these: the earlier ones are left out.'),
});
