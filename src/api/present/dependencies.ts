import type { z } from 'zod';
import type { DependencyRow } from '../../store/dependencies.ts';
import type { DeploymentRow } from '../../store/deployments.ts';
import type { Dependency } from '../schemas/dependencies.ts';
import type { DeploymentDetail } from '../schemas/deployments.ts';

export function presentDependency(row: DependencyRow): z.infer<typeof Dependency> {
  return {
    deployment_id: row.upstream_id,
    array_id: row.upstream_array_id,
    name: row.upstream_name,
    condition: row.condition,
    state: row.state,
  };
}

/** So many of those that it waits for are named. */
const namedMax = 3;

/** Why one that the scheduler does not know of yet waits: for what it depends on, or for others of its array. */
export function presentHeld(
  row: DeploymentRow,
  dependencies: readonly DependencyRow[],
): NonNullable<z.infer<typeof DeploymentDetail>['waiting']> {
  const open = dependencies.filter(({ state }) => state === 'waiting');
  const forOthers = row.unmet_dependencies > 0;
  return {
    position: null,
    effective_priority: row.priority,
    promoted: false,
    reason: forOthers ? 'dependencies' : 'array_parallel',
    message: forOthers ? dependenciesInWords(open) : 'as many of its array run, or are queued, as may at once',
    shortfall: { ram: 0, cpu: 0, gpu: 0 },
    nearest_node: null,
    reservation: null,
    waits_for: open.flatMap(({ upstream_id: id }) => id ?? []),
  };
}

const verbs = { succeeded: 'succeed', failed: 'fail', any: 'end' } as const;

/** "it waits for build (running) to succeed, and for 2 others". */
function dependenciesInWords(open: readonly DependencyRow[]): string {
  const named = open.slice(0, namedMax).map(({ upstream_name: name, condition, status }) => {
    const now = status === null ? '' : ` (${status})`;
    return `for ${name}${now} to ${verbs[condition]}`;
  });
  const rest = open.length - named.length;
  if (rest > 0) named.push(`for ${rest === 1 ? 'another' : `${rest} others`}`);
  const last = named.pop() ?? 'for others to end';
  return `it waits ${named.length === 0 ? last : `${named.join(', ')} and ${last}`}`;
}
