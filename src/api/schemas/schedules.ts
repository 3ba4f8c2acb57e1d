import { z } from 'zod';
import { missedPolicies } from '../../core/due-runs.ts';
import { id, NamePart, PageQuery, resourceName, text, timestamp } from './common.ts';
import { DeploymentCreate } from './deployments.ts';

const overlap = z
  .enum(['allow', 'forbid', 'replace'])
  .describe(
    'What happens when it is due and what it submitted before is not over: that does not matter, nothing is submitted, or that is cancelled and what is submitted waits for its end.',
  );
const missed = z
  .enum(missedPolicies)
  .describe('What happens when its time came and the service did not run: nothing, one run for all, or one for each.');
const missedMax = z
  .number({ error: 'must be a whole number from 1 to 100' })
  .int({ message: 'must be a whole number from 1 to 100' })
  .min(1, { message: 'must be a whole number from 1 to 100' })
  .max(100, { message: 'must be a whole number from 1 to 100' })
  .describe('With `run_all`, so many at most: the latest.');
const cron = text(1, 120).describe(
  'Minute, hour, day, month, weekday, as in "30 2 * * 1-5"; or @hourly, @daily, @weekly, @monthly, @yearly.',
);
const timeZone = text(1, 64).describe('Of the IANA database, like "Europe/Berlin".');

export const ScheduleCreate = z.strictObject({
  name: resourceName.describe('Unique in the organization.'),
  cron,
  time_zone: timeZone.default('UTC'),
  overlap: overlap.default('allow'),
  missed: missed.default('run_once'),
  missed_max: missedMax.default(10),
  paused: z.boolean().default(false),
  deployment: DeploymentCreate.describe('What is submitted each time.'),
});

export const ScheduleUpdate = z
  .strictObject({
    name: resourceName.optional(),
    cron: cron.optional(),
    time_zone: timeZone.optional(),
    overlap: overlap.optional(),
    missed: missed.optional(),
    missed_max: missedMax.optional(),
    deployment: DeploymentCreate.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'names nothing to change' });

export const Schedule = z.object({
  id,
  organization_id: id,
  cluster_id: id,
  name: z.string(),
  cron: z.string(),
  time_zone: z.string(),
  overlap,
  missed,
  missed_max: z.number().int(),
  paused: z.boolean(),
  deployment: z.record(z.string(), z.unknown()).describe('What is submitted each time, with its defaults.'),
  next_runs: z.array(timestamp).describe('The next five times; none while it is paused.'),
  created_by: id.nullable(),
  created_at: timestamp,
  updated_at: timestamp,
  version: z.number().int(),
});

export const ScheduleRun = z.object({
  id,
  schedule_id: id,
  due_at: timestamp,
  cause: z.enum(['schedule', 'person']),
  outcome: z
    .enum(['submitted', 'overlapped', 'missed', 'refused'])
    .describe('`overlapped`: not run, because what was submitted before was not over.'),
  message: z.string(),
  deployment_id: id.nullable().describe('What was submitted, the first of an array; where it overlapped, with what.'),
  created_at: timestamp,
});

export const ScheduleListQuery = PageQuery.extend({ name: NamePart, cluster_id: id.optional() });
