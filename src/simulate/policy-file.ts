/** Policies in files: the fields of a cluster's policy in the API, and a name for the report. */
import { basename } from 'node:path';
import { z } from 'zod';
import { PolicyUpdate } from '../api/schemas/clusters.ts';
import type { NamedPolicy } from './replay.ts';
import { readYaml, type YamlKind } from './yaml-file.ts';

/** What a cluster has where nobody says otherwise (src/store/migrations). */
const defaults = { agingInterval: 3600, reservationAfter: 7200, minRunTime: 300 };
/** As the control plane has it (src/control/scheduler.ts). */
const maxAdmissions = 500;

const PolicyFile = PolicyUpdate.extend({
  name: z.string({ error: 'must be text' }).min(1, { message: 'must not be empty' }).optional(),
  max_admissions: z
    .number({ error: 'must be a whole number' })
    .int({ message: 'must be a whole number' })
    .min(1, { message: 'must be 1 or more' })
    .default(maxAdmissions)
    .describe('The most deployments that one pass admits.'),
  // As in the API, said as the rest of the file is.
  backfill: z.enum(['largest_set', 'learned'], { error: 'must be `largest_set` or `learned`' }).optional(),
});

export const policyKind: YamlKind<z.infer<typeof PolicyFile>> = { schema: PolicyFile, what: 'a policy' };

export const defaultPolicy: NamedPolicy = policyOf('default', PolicyFile.parse({}));

/** Named by what the file says, else by its own name. */
export async function readPolicy(path: string): Promise<NamedPolicy> {
  return policyOf(basename(path).replace(/\.ya?ml$/i, ''), await readYaml(path, policyKind));
}

export function policyOf(fileName: string, file: z.infer<typeof PolicyFile>): NamedPolicy {
  const { preemption } = file;
  return {
    name: file.name ?? fileName,
    policy: {
      agingInterval: milliseconds(file.aging_interval_s ?? defaults.agingInterval),
      reservationAfter: milliseconds(file.reservation_after_s ?? defaults.reservationAfter),
      maxAdmissions: file.max_admissions,
      ...(file.backfill === 'learned' && { backfill: file.backfill }),
      ...(preemption?.enabled === true && {
        preemption: { minRunTime: milliseconds(preemption.min_run_time_s ?? defaults.minRunTime) },
      }),
    },
  };
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}
