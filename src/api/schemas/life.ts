/** What becomes of a deployment whose containers end: retries of jobs, restarts of services, and how both are told to stop. */
import { z } from 'zod';
import { defaultRetryReasons, retryableReasons } from '../../core/retry.ts';

const signals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGKILL'] as const;

const retryLimit = z
  .number({ error: 'must be a whole number from 0 to 100' })
  .int({ message: 'must be a whole number from 0 to 100' })
  .min(0, { message: 'must be a whole number from 0 to 100' })
  .max(100, { message: 'must be a whole number from 0 to 100' });

const exitCode = z
  .number({ error: 'must be an exit code, from 1 to 255' })
  .int({ message: 'must be an exit code, from 1 to 255' })
  .min(1, { message: 'must be an exit code from 1 to 255: 0 is a success' })
  .max(255, { message: 'must be an exit code, from 1 to 255' });

const maxRestarts = z
  .number({ error: 'must be a whole number from 0 to 1,000,000, or null' })
  .int({ message: 'must be a whole number from 0 to 1,000,000, or null' })
  .min(0, { message: 'must be 0 or more, or null for no limit' })
  .max(1_000_000, { message: 'must be at most 1,000,000, or null for no limit' });

const RetryCreate = z.strictObject({
  limit: retryLimit.default(0).describe('How many attempts may follow the first.'),
  on: z
    .array(z.enum(retryableReasons, { error: `must be one of ${retryableReasons.join(', ')}` }))
    .max(retryableReasons.length)
    .default([...defaultRetryReasons])
    .describe('The failures that are worth another attempt.'),
  exit_codes: z
    .array(exitCode)
    .max(255)
    .default([])
    .describe('Of attempts that exited by themselves, only with one of these codes; empty: any but 0.'),
});

const restartPolicies = ['always', 'on_failure', 'never'] as const;

const RestartCreate = z.strictObject({
  policy: z.enum(restartPolicies, { error: `must be one of ${restartPolicies.join(', ')}` }).default('on_failure'),
  max_restarts: maxRestarts
    .nullable()
    .default(null)
    .describe(
      'How often in a row, before the service fails; null: without end. Ten minutes of running begin a new row.',
    ),
});

const countOf = (what: string, min: number) =>
  z
    .number({ error: `must be a whole number of ${what}, from ${min} to 1000` })
    .int({ message: `must be a whole number of ${what}` })
    .min(min, { message: `must be ${min} or more ${what}` })
    .max(1000, { message: `must be at most 1000 ${what}` });

const UpdatePolicyCreate = z.strictObject({
  max_unavailable: countOf('replicas', 1).default(1).describe('So many are down at a time because of an update.'),
  min_ready_s: z
    .number({ error: 'must be a whole number of seconds, from 0 to 3600' })
    .int({ message: 'must be a whole number of seconds' })
    .min(0, { message: 'must be 0 s or more' })
    .max(3600, { message: 'must be at most 3600 s' })
    .default(2)
    .describe('Without a health check: a replica is ready when it has run for so long, in seconds.'),
  max_failures: countOf('failures', 0)
    .default(0)
    .describe('How often a new revision may fail in a replica before all go back to the one before.'),
});

/** The fields of a submission. */
export const lifeCreate = {
  retry: RetryCreate.optional().describe('Of a job: which failed attempts are queued again, in their place.'),
  restart: RestartCreate.optional().describe('Of a service: when a replica that ended is started again.'),
  update: UpdatePolicyCreate.optional().describe('Of a service: how its replicas are brought to a new revision.'),
  stop_signal: z
    .enum(signals, { error: `must be one of ${signals.join(', ')}` })
    .nullable()
    .default(null)
    .describe('What it is told to stop with; null: the one that its image names, else SIGTERM.'),
};

/** The same as they are answered. */
export const lifeAnswer = {
  retry: z
    .object({ limit: z.number().int(), on: z.array(z.string()), exit_codes: z.array(z.number().int()) })
    .nullable()
    .describe('Null where a failed attempt is not repeated.'),
  retries_used: z.number().int(),
  restart: z
    .object({ policy: z.enum(restartPolicies), max_restarts: z.number().int().nullable() })
    .nullable()
    .describe('Null for a job.'),
  stop_signal: z.string().nullable(),
  update: z
    .object({ max_unavailable: z.number().int(), min_ready_s: z.number().int(), max_failures: z.number().int() })
    .nullable()
    .describe('Null for a job.'),
  revision: z.number().int().describe('What is wanted of a service; counts from 1.'),
  stable_revision: z.number().int().describe('The last one that all of its replicas were ready with.'),
  updating: z.boolean().describe('Whether it is on its way from one revision to another.'),
  update_message: z.string().nullable().describe('What its update waits for, in plain words.'),
};
