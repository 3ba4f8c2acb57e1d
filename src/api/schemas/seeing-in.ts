import { z } from 'zod';
import { replicaStatuses } from '../../core/lifecycle.ts';
import { id, timestamp } from './common.ts';

const replica = z.coerce
  .number({ error: 'must be the number of a replica; they count from 0' })
  .int()
  .min(0)
  .default(0)
  .describe('Of the latest attempt.');

const size = (most: number, otherwise: number) => z.coerce.number().int().min(1).max(most).default(otherwise);
const commandWord = z
  .string()
  .max(32_768)
  .refine((text) => !text.includes('\u0000'), { message: 'must not contain NUL' });

export const ExecQuery = z.strictObject({
  replica,
  command: z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), z.tuple([commandWord.min(1)], commandWord))
    .refine((words) => words.length <= 1024, { message: 'must have at most 1024 words' })
    .describe('One for each word of the command, in order.'),
  tty: z.stringbool().default(false).describe('With a terminal.'),
  columns: size(1000, 80),
  rows: size(1000, 24),
});

/** What a client of exec sends beside its input. */
export const execMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('resize'), columns: size(1000, 80), rows: size(1000, 24) }),
  z.strictObject({ type: z.literal('end') }),
]);

export const PortForwardQuery = z.strictObject({
  replica,
  port: z.coerce.number({ error: 'must be a port' }).int().min(1).max(65_535).describe('Of the container.'),
});

/** There is no more input from this side. */
export const endMessage = z.strictObject({ type: z.literal('end') });

const path = z
  .string()
  .max(4096, { message: 'must have at most 4096 characters' })
  .startsWith('/', { message: 'must be an absolute path: it begins with "/"' })
  .refine((text) => !text.includes('\u0000'), { message: 'must not contain NUL' });

export const FilesQuery = z.strictObject({
  replica,
  path: path.describe('A file or directory of the container.'),
});

export const UploadQuery = z.strictObject({
  replica,
  path: path.describe('A directory of the container, that exists.'),
});

export const FileInfo = z.object({
  path: z.string(),
  kind: z.enum(['file', 'directory', 'other']).describe('A link is told as what it points to.'),
  size_bytes: z.number().int(),
  mode: z.number().int().describe('The permissions, as `chmod` takes them.'),
  modified_at: timestamp,
});

const gb = z.number().describe('GB.');

const GpuUse = z.object({
  index: z.number().int().describe('As `gpu_devices` of the replica counts.'),
  busy: z
    .number()
    .nullable()
    .describe('How much of the last moments it computed, 0 to 1; null: its driver does not say.'),
  memory_gb: gb.nullable(),
});

const Used = z.object({
  at: timestamp,
  cpu: z.number().nullable().describe('Cores; null where it began only just now.'),
  ram: gb.describe('GB, without the caches that the kernel would give back.'),
  gpus: z.array(GpuUse).nullable().describe('Null: it has none, or their driver can not be asked.'),
});

export const ReplicaStats = z.object({
  replica: z.number().int(),
  status: z.enum(replicaStatuses),
  used: Used.nullable().describe('Null: it does not run, or nothing is counted of it.'),
  peak_ram: gb.nullable().describe('The most that it was seen to hold in this attempt.'),
  cpu_seconds: z.number().nullable().describe('CPU time in this attempt, as far as it was seen.'),
});

export const DeploymentStats = z.object({
  deployment_id: id,
  attempt: z.number().int(),
  at: timestamp,
  asked: z.object({ ram: gb, cpu: z.number(), gpu: z.number() }).describe('For each replica.'),
  replicas: z.array(ReplicaStats),
  hints: z.array(z.string()).describe('In words: where the request is far too large for what was used.'),
});
