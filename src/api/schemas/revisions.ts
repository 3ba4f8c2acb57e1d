import { z } from 'zod';
import { id, timestamp, variableName } from './common.ts';
import { DeploymentCreate } from './deployments.ts';

/** What an update may change; what is left out stays as it is. */
export const ServiceUpdate = z
  .strictObject({
    docker_image: DeploymentCreate.shape.docker_image.optional(),
    command: DeploymentCreate.shape.command.unwrap().optional(),
    env: DeploymentCreate.shape.env
      .unwrap()
      .optional()
      .describe('All of it: variables that are left out are gone. `env_set` and `env_unset` change some.'),
    env_set: DeploymentCreate.shape.env.unwrap().optional().describe('Variables to add or to change.'),
    env_unset: z.array(variableName).max(1000).optional().describe('Variables to take away.'),
    ram_required: DeploymentCreate.shape.ram_required.optional(),
    cpu_required: DeploymentCreate.shape.cpu_required.optional(),
    gpu_required: DeploymentCreate.shape.gpu_required.unwrap().optional(),
    replicas: DeploymentCreate.shape.replicas.unwrap().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'must name at least one thing to change' });

export const RollBack = z.strictObject({
  revision: z.number().int().min(1).optional().describe('Which one to return to; default: the one before.'),
});

export const RevisionSpec = z.object({
  docker_image: z.string(),
  command: z.array(z.string()).nullable(),
  env: z.record(z.string(), z.string()),
  ram_required: z.number(),
  cpu_required: z.number(),
  gpu_required: z.number(),
  replicas: z.number().int(),
});

export const Revision = z.object({
  revision: z.number().int(),
  spec: RevisionSpec,
  made_by: id.nullable(),
  why: z.string(),
  created_at: timestamp,
  is_wanted: z.boolean().describe('Whether its service is to be this, or is.'),
  is_stable: z.boolean().describe('Whether it is the last that all replicas were ready with.'),
});

export const RevisionList = z.object({ items: z.array(Revision).describe('The first first.') });

export const RevisionDiffQuery = z.strictObject({
  from: z.coerce.number().int().min(1),
  to: z.coerce.number().int().min(1),
});

const value = z.union([z.string(), z.number(), z.array(z.string())]).nullable();

export const RevisionDiff = z.object({
  from: z.number().int(),
  to: z.number().int(),
  changes: z
    .array(z.object({ field: z.string(), before: value, after: value }))
    .describe('What differs, variables one by one: `env.NAME`. Null: not there.'),
});
