import { z } from 'zod';

/** Three decimals at the most, so that every amount is a whole number of thousandths inside. */
function hasThreeDecimals(value: number): boolean {
  return Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6;
}

const threeDecimals = { message: 'has more than three decimals' };

/** An amount of one dimension: 0 or more, at most `max`, three decimals. `unit` is what a person reads in the error. */
function amount(unit: string, max: number) {
  return z
    .number({
      error: (issue) => (issue.input === undefined ? `is missing: a number of ${unit}` : `must be a number of ${unit}`),
    })
    .min(0, { message: `must be 0 or more ${unit}` })
    .max(max, { message: `must be at most ${max} ${unit}` })
    .refine(hasThreeDecimals, threeDecimals);
}

export const ramAmount = amount('GB', 1_000_000).describe('Memory in GB (1 GB = 1024^3 bytes), up to three decimals.');
export const cpuAmount = amount('cores', 100_000).describe('CPU cores, up to three decimals.');
export const gpuAmount = amount('GPU devices', 10_000).describe(
  'GPU devices: a whole number, or a share of one device below 1, up to three decimals.',
);

export const gpuMemoryAmount = amount('GB', 10_000);

export const wholeGpus = z
  .number({
    error: (issue) =>
      issue.input === undefined ? 'is missing: a number of GPU devices' : 'must be a number of GPU devices',
  })
  .int({ message: 'must be a whole number of GPU devices' })
  .min(0, { message: 'must be 0 or more GPU devices' })
  .max(10_000, { message: 'must be at most 10000 GPU devices' });

/** No control characters, which break terminals and logs; no leading or trailing blanks. */
export function text(min: number, max: number) {
  return z
    .string()
    .min(min, { message: min === 1 ? 'must not be empty' : `must have at least ${min} characters` })
    .max(max, { message: `must have at most ${max} characters` })
    .regex(/^\P{Cc}*$/u, { message: 'must not contain control characters' })
    .refine((value) => value.trim() === value, { message: 'must not begin or end with blanks' });
}

/** Text of any kind, lines and all, as far as it can be stored: no NUL, and no half of a surrogate pair. */
export function storable(max: number) {
  return z
    .string()
    .max(max)
    .refine((value) => !value.includes('\u0000'), { message: 'must not contain NUL' })
    .refine((value) => !/\p{Surrogate}/u.test(value), { message: 'must be well-formed Unicode' });
}

export const portNumber = z.number().int().min(1).max(65_535);

export const resourceName = text(1, 63).regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, {
  message: 'must consist of letters, digits, ".", "_" and "-", and begin and end with a letter or digit',
});

export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { message: 'must be the name of an environment variable' })
  .max(256);

const labelPart = '[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?';

/** As Kubernetes writes them: "zone", "example.com/zone". */
const nodeLabelName = text(1, 128).regex(new RegExp(`^(${labelPart}/)?${labelPart}$`), {
  message: 'must be a label name like "zone" or "example.com/zone": letters, digits, ".", "_" and "-"',
});
export const nodeLabelValue = z
  .string({ error: 'must be text: write numbers and booleans in quotes' })
  .max(63, { message: 'must have at most 63 characters' })
  .regex(new RegExp(`^(${labelPart})?$`), {
    message: 'must consist of letters, digits, ".", "_" and "-", and begin and end with a letter or digit',
  });
const labelsMax = 64;

/** What a node says about itself, or what is asked of one. */
export function nodeLabelsOf<T extends z.ZodType>(value: T) {
  return z.record(nodeLabelName, value).refine((labels) => Object.keys(labels).length <= labelsMax, {
    message: `must be at most ${labelsMax} labels`,
  });
}

// z.uuid() would write a very long pattern into the OpenAPI document. Ids that are no ids at all are unknown: 404, not 400.
export const id = z.string().max(64).describe('An id, as the API handed it out.');

export const timestamp = z.string().describe('A time in UTC, ISO 8601.');

export const Amounts = z.object({ ram: z.number(), cpu: z.number(), gpu: z.number() });

/** total = allocated + available, in every dimension, at every instant. */
export const Resources = z.object({ total: Amounts, allocated: Amounts, available: Amounts });

export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('How many at most.'),
  cursor: z.string().max(512).optional().describe('`next_cursor` of the page before.'),
});

/** For lists by the time of creation; with `-` the latest first. */
export const CreationSort = z.enum(['created_at', '-created_at']).default('created_at');

export const NamePart = z.string().max(63).optional().describe('A part of the name, in either case.');

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

export const Role = z.enum(['owner', 'admin', 'developer', 'viewer']);

/** RFC 9457. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string().describe('One of the codes of the error catalogue; stable.'),
  detail: z.string().describe('What was wrong, and what to do next.'),
  request_id: z.string(),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .describe('One for each field that is wrong.'),
});

export const idParams = z.object({ id });
