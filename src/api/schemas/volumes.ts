import { z } from 'zod';
import { CreationSort, id, NamePart, PageQuery, resourceName, text, timestamp } from './common.ts';
import { engineRef } from './engines.ts';

export const VolumeCreate = z.strictObject({
  cluster_id: id,
  name: resourceName,
  engine: text(1, 64)
    .nullable()
    .optional()
    .describe(
      'The engine that is to have its data, by name or id; null: the installation’s own. Needed only where the nodes of the cluster are on several.',
    ),
});

export const Volume = z.object({
  id,
  cluster_id: id,
  name: z.string(),
  engine: engineRef,
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
