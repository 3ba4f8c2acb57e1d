/** What people do to many deployments at once: the same as to each, in one transaction. */
import { sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Database, InTransaction } from './database.ts';
import { readDependentsOf } from './dependencies.ts';
import { changePrioritiesIn, type DeploymentRow, type LockedPriority } from './deployments.ts';
import { neededOf } from './needed.ts';
import type { Actor, Scope } from './scope.ts';
import {
  type Attempted,
  cancellationOf,
  changeAll,
  deletionOf,
  type Needed,
  retryOf,
  stopOf,
  type Which,
} from './transitions.ts';

export type BulkAction =
  | { readonly kind: 'cancel' | 'stop' | 'retry' | 'delete' }
  | { readonly kind: 'set_priority'; readonly priority: number };

/** What became of one of them. */
export type BulkOutcome =
  | { kind: 'done'; deployment: DeploymentRow }
  | { kind: 'unknown' }
  | { kind: 'conflict'; status: DeploymentStatus }
  | Needed;

const attemptsOf: Readonly<Record<'cancel' | 'stop' | 'retry' | 'delete', typeof cancellationOf>> = {
  cancel: cancellationOf,
  stop: stopOf,
  retry: (scope, which, actor) => retryOf(scope, which, actor),
  delete: deletionOf,
};

/**
 * Changes those that it applies to, and says of each of the others why not. Rows are locked in the order of ids first, as everybody
 * locks deployments, so that nothing comes between what was read and what is changed.
 */
export async function changeDeployments(
  db: Database,
  scope: Scope,
  ids: readonly string[],
  action: BulkAction,
  actor: Actor,
): Promise<Map<string, BulkOutcome>> {
  return db.transaction().execute(async (tx) => {
    const locked = await lock(tx, scope, ids);
    const outcomes = new Map<string, BulkOutcome>(ids.map((id) => [id, { kind: 'unknown' }]));
    for (const { id, status } of locked) outcomes.set(id, { kind: 'conflict', status });
    const needed = action.kind === 'delete' ? await neededAmong(tx, scope, locked) : new Map<string, Needed>();
    for (const [id, one] of needed) outcomes.set(id, one);
    const free = locked.filter(({ id }) => !needed.has(id));
    for (const deployment of await change(tx, scope, free, action, actor)) {
      outcomes.set(deployment.id, { kind: 'done', deployment });
    }
    return outcomes;
  });
}

function change(
  tx: InTransaction,
  scope: Scope,
  locked: readonly LockedPriority[],
  action: BulkAction,
  actor: Actor,
): Promise<DeploymentRow[]> {
  if (action.kind === 'set_priority') return changePrioritiesIn(tx, scope, locked, action.priority, actor);
  const which: Which = { ids: locked.map(({ id }) => id) };
  const attempts: Attempted[] = attemptsOf[action.kind](scope, which, actor);
  return changeAll(tx, attempts);
}

async function lock(tx: InTransaction, { organizationId }: Scope, ids: readonly string[]): Promise<LockedPriority[]> {
  const { rows } = await sql<LockedPriority>`
    select id, name, status, priority, cluster_id from deployment
     where organization_id = ${organizationId} and id = any(${[...ids]}::uuid[]) order by id for update`.execute(tx);
  return rows;
}

async function neededAmong(
  tx: InTransaction,
  scope: Scope,
  locked: readonly LockedPriority[],
): Promise<Map<string, Needed>> {
  const ids = locked.map(({ id }) => id);
  return neededOf(ids, await readDependentsOf(tx, scope, ids));
}
