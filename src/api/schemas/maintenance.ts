import { z } from 'zod';
import { id, text, timestamp } from './common.ts';

const time = z.iso.datetime({ offset: true, message: 'must be a time like "2026-12-01T22:00:00Z"' });

export const MaintenanceCreate = z
  .strictObject({
    node_id: id.nullable().default(null).describe('Null: all nodes of the cluster.'),
    starts_at: time.describe('When its nodes close. Nothing is placed there before that could still run then.'),
    ends_at: time.describe('When they open again.'),
    reason: text(0, 200).default('').describe('For people.'),
  })
  // What is no time is complained of already.
  .refine((body) => !(Date.parse(body.ends_at) <= Date.parse(body.starts_at)), {
    path: ['ends_at'],
    message: 'must be after `starts_at`',
  })
  .refine((body) => !(Date.parse(body.ends_at) <= Date.now()), {
    path: ['ends_at'],
    message: 'must not be over already',
  });

export const Maintenance = z.object({
  id,
  cluster_id: id,
  node_id: id.nullable().describe('Null: all nodes of the cluster.'),
  starts_at: timestamp,
  ends_at: timestamp,
  reason: z.string(),
  status: z.enum(['planned', 'active']),
  created_at: timestamp,
});

export const MaintenanceList = z.object({ items: z.array(Maintenance) });
