import { z } from 'zod';
import { CreationSort, id, NamePart, PageQuery, resourceName, timestamp } from './common.ts';

export const VolumeCreate = z.strictObject({ cluster_id: id, name: resourceName });

export const Volume = z.object({
  id,
  cluster_id: id,
  name: z.string(),
  status: z.enum(['ready', 'deleting']),
  size_bytes: z
    .number()
    .int()
    .nullable()
    .describe('Null: not known, as its engine does not say, or nothing was written yet.'),
  used_by: z.array(z.object({ id, name: z.string() })).describe('Deployments that are not over and use it.'),
  created_by: id.nullable(),
  created_at: timestamp,
});

export const VolumeListQuery = PageQuery.extend({ cluster_id: id.optional(), name: NamePart, sort: CreationSort });
