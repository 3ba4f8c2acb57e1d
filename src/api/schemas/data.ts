/** What a deployment brings along or reaches: volumes, secrets, files, its network. */
import { z } from 'zod';
import { resourceName, variableName } from './common.ts';

const pathMax = 1024;
const partMax = 255;

/** Where no path may lie: there the engine puts what the kernel shows. */
const kernelPaths = /^\/(proc|sys|dev)(\/|$)/;

/** Absolute and normalised: no ".", "..", empty parts or slash at the end, so that one place has one name. */
export const absolutePath = z
  .string({ error: 'must be an absolute path like "/data"' })
  .max(pathMax, { message: `must have at most ${pathMax} characters` })
  .regex(/^\P{Cc}*$/u, { message: 'must not contain control characters' })
  .refine((path) => !/\p{Surrogate}/u.test(path), { message: 'must be well-formed Unicode' })
  .refine((path) => path === '/' || isNormal(path), {
    message: 'must be an absolute path like "/data/sets", without ".", "..", double slashes or a slash at the end',
  });

function isPart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= partMax;
}

function isNormal(path: string): boolean {
  const [first, ...parts] = path.split('/');
  return first === '' && parts.length > 0 && parts.every(isPart);
}

/** Inside of a container. */
const containerPath = absolutePath
  .refine((path) => path !== '/', { message: 'must not be the root of the container' })
  .refine((path) => !kernelPaths.test(path), { message: 'must not be in /proc, /sys or /dev' });

/** "644" is the same as "0644". */
const mode = z
  .string({ error: 'must be an octal mode in quotes, like "0644"' })
  .regex(/^0?[0-7]{3}$/, { message: 'must be an octal mode in quotes, like "0644"' })
  .transform((text) => text.padStart(4, '0'));

function exactlyOne(names: readonly [string, string], what: string) {
  return (value: Readonly<Record<string, unknown>>, context: z.RefinementCtx) => {
    const given = names.filter((name) => value[name] !== undefined);
    if (given.length === 1) return;
    const message = given.length === 0 ? `is missing: ${what}` : `must be left out beside \`${names[0]}\``;
    context.addIssue({ code: 'custom', path: [given.length === 0 ? names[0] : names[1]], message });
  };
}

const VolumeUse = z
  .strictObject({
    name: resourceName.optional().describe('A volume of the cluster.'),
    host_path: absolutePath
      .optional()
      .describe("A directory of the engine's machine, where the cluster's `allowed_host_paths` has it."),
    path: containerPath.describe('Where it appears in the container.'),
    read_only: z.boolean().default(false),
  })
  .superRefine(exactlyOne(['name', 'host_path'], 'the name of a volume, or `host_path`'));

const SecretUse = z
  .strictObject({
    name: resourceName.describe('A secret of the organization.'),
    env: variableName.optional().describe('The variable that holds it.'),
    path: containerPath.optional().describe('The file that holds it.'),
    mode: mode.optional().describe('Of the file; default "0444".'),
  })
  .superRefine(exactlyOne(['env', 'path'], 'a variable, or `path` for a file'))
  .superRefine(({ env, mode: given }, context) => {
    if (env === undefined || given === undefined) return;
    context.addIssue({ code: 'custom', path: ['mode'], message: 'must be left out beside `env`: only files have one' });
  });

const fileLimits = { count: 64, bytesEach: 256 * 1024, bytesTogether: 1024 * 1024 } as const;
const kib = (bytes: number) => `${bytes / 1024} KiB`;

const FileCreate = z
  .strictObject({
    path: containerPath,
    content: z
      .string()
      // Of base64; what it comes to is looked at below.
      .max(fileLimits.bytesEach * 2, { message: `must be at most ${kib(fileLimits.bytesEach)}` })
      .refine((text) => !/\p{Surrogate}/u.test(text), { message: 'must be well-formed Unicode' }),
    encoding: z.enum(['utf8', 'base64']).default('utf8').describe('How `content` is written.'),
    mode: mode.default('0644'),
  })
  .superRefine(({ content, encoding }, context) => {
    if (encoding === 'base64' && !isBase64(content)) {
      context.addIssue({ code: 'custom', path: ['content'], message: 'must be base64, as `encoding` says' });
    } else if (bytesOf(content, encoding).length > fileLimits.bytesEach) {
      context.addIssue({ code: 'custom', path: ['content'], message: `must be at most ${kib(fileLimits.bytesEach)}` });
    }
  });

export type Encoding = 'utf8' | 'base64';

export function bytesOf(content: string, encoding: Encoding): Buffer {
  return Buffer.from(content, encoding);
}

export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function notTooMuch(files: readonly z.infer<typeof FileCreate>[], context: z.RefinementCtx): void {
  const bytes = files.reduce((sum, { content, encoding }) => sum + bytesOf(content, encoding).length, 0);
  if (bytes <= fileLimits.bytesTogether) return;
  context.addIssue({
    code: 'custom',
    path: [],
    message: `must be at most ${kib(fileLimits.bytesTogether)} together; larger ones belong into a volume or the image`,
  });
}

const usesMax = 32;
const atMost = (count: number, what: string) => ({ message: `must be at most ${count} ${what}` });
const NetworkMode = z.enum(['shared', 'private', 'none']);

/** Fields of `DeploymentCreate`. */
export const dataFields = {
  volumes: z
    .array(VolumeUse)
    .max(usesMax, atMost(usesMax, 'volumes'))
    .default([])
    .describe('Data that outlives it: named volumes, and directories of the machine.'),
  secrets: z
    .array(SecretUse)
    .max(usesMax, atMost(usesMax, 'secrets'))
    .default([])
    .describe('Secrets of the organization, by name; their values are read at each start.'),
  files: z
    .array(FileCreate)
    .max(fileLimits.count, atMost(fileLimits.count, 'files'))
    .superRefine(notTooMuch)
    .default([])
    .describe('Put into the container before it starts.'),
  network: NetworkMode.optional().describe(
    '`private`: its replicas reach each other by name, and no other deployment; `shared`: that of all others; `none`: no network. Default `private` with several replicas, else `shared`.',
  ),
};

/** The same in an answer: of files what tells them apart, of secrets where they go. */
export const dataAnswers = {
  volumes: z.array(
    z.object({
      name: z.string().optional(),
      host_path: z.string().optional(),
      path: z.string(),
      read_only: z.boolean(),
    }),
  ),
  secrets: z.array(
    z.object({
      name: z.string(),
      env: z.string().optional(),
      path: z.string().optional(),
      mode: z.string().optional(),
    }),
  ),
  files: z.array(
    z.object({
      path: z.string(),
      mode: z.string(),
      size: z.number().int().describe('Bytes.'),
      sha256: z.string(),
    }),
  ),
  network: NetworkMode,
};
