/** Deployments that are declared in files: at most one under a name is current, and the database says so, too. */
import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents } from './events.ts';
import type { Actor, Scope } from './scope.ts';
import type { Tables } from './tables.ts';

type DeploymentRow = Selectable<Tables['deployment']>;

/** Who applies to an organization, one after the other. Nobody else waits for it: submissions and passes do not want this lock. */
export async function lockApplying(tx: InTransaction, scope: Scope): Promise<void> {
  await sql`select 1 from organization where id = ${scope.organizationId} for no key update`.execute(tx);
}

/** The current ones under these names. With `lock` (inside a transaction) nobody changes them until its end. */
export async function readDeclared(
  db: Database,
  scope: Scope,
  names: readonly string[],
  options: { lock: boolean },
): Promise<Map<string, DeploymentRow>> {
  const query = db
    .selectFrom('deployment')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('file_set', 'is not', null)
    .where(sql<boolean>`name = any(${[...names]}::text[])`)
    .orderBy('id');
  const rows = await (options.lock ? query.forUpdate() : query).execute();
  return new Map(rows.map((row) => [row.name, row]));
}

/** Those of a set under other names: they are not declared any more. */
export function readUndeclared(
  db: Database,
  scope: Scope,
  fileSet: string,
  names: readonly string[],
  options: { lock: boolean },
): Promise<DeploymentRow[]> {
  const query = db
    .selectFrom('deployment')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('file_set', '=', fileSet)
    .where(sql<boolean>`name <> all(${[...names]}::text[])`)
    .orderBy('id');
  return (options.lock ? query.forUpdate() : query).execute();
}

/** They are declared in no file any more: their names are free. */
export async function release(tx: InTransaction, scope: Scope, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .updateTable('deployment')
    .set({ file_set: null, version: sql<number>`version + 1` })
    .where('organization_id', '=', scope.organizationId)
    .where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
    .execute();
}

export async function moveToSet(tx: InTransaction, scope: Scope, ids: readonly string[], set: string): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .updateTable('deployment')
    .set({ file_set: set })
    .where('organization_id', '=', scope.organizationId)
    .where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
    .execute();
}

/** One that takes the place of another; and where it keeps it, the age of that one. */
export async function succeed(
  tx: InTransaction,
  scope: Scope,
  before: Pick<DeploymentRow, 'id' | 'cluster_id' | 'name'>,
  { id, keepsAge }: { id: string; keepsAge: boolean },
  actor: Actor,
): Promise<void> {
  if (keepsAge) {
    await sql`
      update deployment d set queued_at = b.queued_at from deployment b
       where d.id = ${id} and b.id = ${before.id} and d.organization_id = ${scope.organizationId}
         and b.organization_id = ${scope.organizationId}`.execute(tx);
  }
  await appendEvents(tx, [
    {
      organizationId: scope.organizationId,
      clusterId: before.cluster_id,
      deploymentId: before.id,
      type: 'deployment.replaced',
      message: `another was applied as ${before.name}, and takes its place`,
      data: { by: id },
      actorId: actor.userId,
    },
  ]);
}
