import type { z } from 'zod';
import { statuses } from '../../core/lifecycle.ts';
import type { ArrayRow } from '../../store/arrays.ts';
import type { DeploymentArray } from '../schemas/arrays.ts';

type ArrayAnswer = z.infer<typeof DeploymentArray>;

export function presentArray(row: ArrayRow): ArrayAnswer {
  return {
    id: row.id,
    organization_id: row.organization_id,
    cluster_id: row.cluster_id,
    name: row.name,
    count: row.count,
    parallel: row.parallel,
    counts: Object.fromEntries(statuses.map((status) => [status, row.counts[status] ?? 0])) as ArrayAnswer['counts'],
    submitted_by: row.submitted_by,
    created_at: row.created_at.toISOString(),
  };
}
