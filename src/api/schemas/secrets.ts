import { z } from 'zod';
import { id, resourceName, timestamp } from './common.ts';

export const secretBytesMax = 64 * 1024;

const value = z
  .string()
  .min(1, { message: 'must not be empty' })
  // Of base64; what it comes to is looked at by the route.
  .max(secretBytesMax * 2, { message: `must be at most ${secretBytesMax / 1024} KiB` })
  .refine((text) => !/\p{Surrogate}/u.test(text), { message: 'must be well-formed Unicode' });
const encoding = z.enum(['utf8', 'base64']).default('utf8').describe('How `value` is written.');

export const SecretCreate = z.strictObject({ name: resourceName, value, encoding });
export const SecretUpdate = z.strictObject({ value, encoding });

/** What is known of a secret; its value is never shown. */
export const Secret = z.object({
  id,
  name: z.string(),
  version: z.number().int().describe('Counts from 1: each new value is a version.'),
  created_by: id.nullable(),
  created_at: timestamp,
  updated_by: id.nullable(),
  updated_at: timestamp.describe('Since when it has the present value.'),
});

export const secretParams = z.object({ name: z.string().max(256) });
export const SecretDeleteQuery = z.strictObject({
  force: z.stringbool().default(false).describe('Also where deployments refer to it: their next start fails.'),
});

export const KeyChange = z.object({
  values: z.number().int().describe('How many values were encrypted again.'),
});
