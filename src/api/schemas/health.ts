import { z } from 'zod';
import { portNumber, storable } from './common.ts';

export const health = z.enum(['starting', 'healthy', 'unhealthy']);

const kinds = ['http', 'tcp', 'command'] as const;

function seconds(least: number, most: number) {
  const message = `must be a whole number of seconds from ${least} to ${most}`;
  return z.number({ error: message }).int({ message }).min(least, { message }).max(most, { message });
}

const path = z
  .string()
  .max(2048)
  // What a request line takes as it is: no blanks, nothing that would have to be encoded.
  .regex(/^\/[\x21-\x7e]*$/, { message: 'must begin with "/" and hold no blanks: write special characters as %20' })
  .refine((value) => !value.includes('#'), { message: 'must not have a fragment ("#")' });

const status = 'must be a status from 100 to 599, or null for any from 200 to 399';
const HttpCheck = z.strictObject({
  port: portNumber.describe('Of the container; it need not be published.'),
  path: path.default('/'),
  expect_status: z
    .number({ error: status })
    .int({ message: status })
    .min(100, { message: status })
    .max(599, { message: status })
    .nullable()
    .default(null)
    .describe('Null: any from 200 to 399.'),
});
const TcpCheck = z.strictObject({ port: portNumber.describe('Of the container; it need not be published.') });
const command = z.array(storable(32_768)).min(1, { message: 'must name a program' }).max(1000);
const retries = 'must be a whole number of failures from 1 to 100';

const checks = {
  http: HttpCheck.nullable().default(null).describe('Well: a GET is answered with the expected status.'),
  tcp: TcpCheck.nullable().default(null).describe('Well: the port accepts a connection.'),
  command: command
    .nullable()
    .default(null)
    .describe('Well: it exits with 0, run inside of the container. Not through a shell, unless it names one.'),
  interval_s: seconds(1, 3600).default(10).describe('Seconds from one check to the next.'),
  timeout_s: seconds(1, 600).default(5).describe('Seconds in which a check must have an answer.'),
  retries: z
    .number({ error: retries })
    .int({ message: retries })
    .min(1, { message: retries })
    .max(100, { message: retries })
    .default(3)
    .describe('So many failures in a row make a replica unhealthy.'),
  start_period_s: seconds(0, 86_400)
    .default(0)
    .describe('Seconds from its start in which failures do not count, until it was well once.'),
};

export const HealthCheckCreate = z.strictObject(checks).superRefine((check, context) => {
  const given = kinds.filter((kind) => check[kind] !== null);
  if (given.length === 1) return;
  const message =
    given.length === 0
      ? 'must say how to check: one of `http`, `tcp` and `command`'
      : `must say one way to check, not ${given.length}: ${given.join(' and ')}`;
  context.addIssue({ code: 'custom', message, path: given.length === 0 ? [] : [given[1] ?? ''] });
});

export const HealthCheck = z.object({
  http: z.object({ port: z.number(), path: z.string(), expect_status: z.number().int().nullable() }).nullable(),
  tcp: z.object({ port: z.number() }).nullable(),
  command: z.array(z.string()).nullable(),
  interval_s: z.number().int(),
  timeout_s: z.number().int(),
  retries: z.number().int(),
  start_period_s: z.number().int(),
});
