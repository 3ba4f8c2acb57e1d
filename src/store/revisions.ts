/** Revisions of a service: what it was to be, and is to be. How its replicas get there is in rollouts.ts. */
import { type Selectable, sql } from 'kysely';
import { type DeploymentStatus, isActive } from '../core/lifecycle.ts';
import { dropClaims } from './claims.ts';
import type { Database, InTransaction } from './database.ts';
import type { DeploymentRow } from './deployments.ts';
import { appendEvents, type EventType } from './events.ts';
import type { Actor, Scope } from './scope.ts';
import type { NewDeployment } from './submit.ts';
import type { RevisionSpec, Tables } from './tables.ts';

export type RevisionRow = Pick<Selectable<Tables['revision']>, 'revision' | 'spec' | 'made_by' | 'why' | 'created_at'>;

/** What of a deployment an update may change. */
export function specOfRow(row: DeploymentRow): RevisionSpec {
  return {
    docker_image: row.docker_image,
    command: row.command,
    env: row.env,
    ram_required: Number(row.ram_required),
    cpu_required: Number(row.cpu_required),
    gpu_required: Number(row.gpu_required),
    replicas: row.replicas,
  };
}

export function specOfNew(deployment: NewDeployment): RevisionSpec {
  const { dockerImage, command, env, ram, cpu, gpu, replicas } = deployment;
  return {
    docker_image: dockerImage,
    command: command === null ? null : [...command],
    env: { ...env },
    ram_required: ram,
    cpu_required: cpu,
    gpu_required: gpu,
    replicas,
  };
}

/** The names of what differs between two, in the order of the fields. */
export function changedFields(a: RevisionSpec, b: RevisionSpec): (keyof RevisionSpec)[] {
  return (Object.keys(a) as (keyof RevisionSpec)[]).filter((name) => !isSame(a[name], b[name]));
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** All of a deployment, the first first. One that was never updated has had one. */
export async function readRevisions(db: Database, row: DeploymentRow): Promise<RevisionRow[]> {
  const rows = await db
    .selectFrom('revision')
    .select(['revision', 'spec', 'made_by', 'why', 'created_at'])
    .where('deployment_id', '=', row.id)
    .orderBy('revision')
    .execute();
  return rows.length > 0 ? rows : [firstOf(row)];
}

function firstOf(row: DeploymentRow): RevisionRow {
  const { submitted_by: made_by, created_at } = row;
  return { revision: 1, spec: specOfRow(row), made_by, why: 'submitted', created_at };
}

export type UpdateOutcome =
  | { kind: 'done'; deployment: DeploymentRow }
  | { kind: 'unknown' }
  | { kind: 'unknown_revision'; wanted: number | undefined; latest: number }
  | { kind: 'not_a_service' }
  | { kind: 'conflict'; status: DeploymentStatus }
  /** The version is not the one that the change was made for. */
  | { kind: 'stale'; version: number };

interface Expected {
  readonly version: number | undefined;
}

interface Update extends Expected {
  readonly change: (spec: RevisionSpec) => RevisionSpec;
  readonly why: string;
}

/**
 * Makes another revision of a service and sets it on its way there; what is as it was already changes nothing. `change` says what
 * it is to be, of what it is.
 */
export function updateDeployment(
  db: Database,
  scope: Scope,
  id: string,
  update: Update,
  actor: Actor,
): Promise<UpdateOutcome> {
  return db.transaction().execute((tx) => updateIn(tx, scope, id, update, actor));
}

export async function updateIn(
  tx: InTransaction,
  scope: Scope,
  id: string,
  { version, change, why }: Update,
  actor: Actor,
): Promise<UpdateOutcome> {
  const found = await lockService(tx, scope, id, version);
  if (found.kind !== 'found') return found;
  const before = specOfRow(found.row);
  const spec = change(before);
  const changed = changedFields(before, spec);
  if (changed.length === 0) return { kind: 'done', deployment: found.row };
  const latest = await keepFirst(tx, found.row);
  const revision = latest + 1;
  await tx
    .insertInto('revision')
    .values({ deployment_id: id, revision, spec: JSON.stringify(spec), made_by: actor.userId, why })
    .execute();
  const deployment = await wish(tx, found.row, revision, spec);
  await tell(tx, deployment, 'deployment.updated', `revision ${revision} changes ${changed.join(', ')}`, actor.userId);
  return { kind: 'done', deployment };
}

/** Goes back to an earlier revision, or on to a later one that was left: whatever was there once. */
export function rollBackDeployment(
  db: Database,
  scope: Scope,
  id: string,
  { version, revision }: Expected & { revision: number | undefined },
  actor: Actor,
): Promise<UpdateOutcome> {
  return db.transaction().execute(async (tx) => {
    const found = await lockService(tx, scope, id, version);
    if (found.kind !== 'found') return found;
    const all = await readRevisions(tx, found.row);
    const latest = all.at(-1)?.revision ?? 1;
    const wanted = revision ?? all.findLast((one) => one.revision < found.row.revision)?.revision;
    const target = all.find((one) => one.revision === wanted);
    if (target === undefined) return { kind: 'unknown_revision', wanted, latest };
    if (target.revision === found.row.revision) return { kind: 'done', deployment: found.row };
    const deployment = await wish(tx, found.row, target.revision, target.spec);
    const message = `from revision ${found.row.revision} to revision ${target.revision}`;
    await tell(tx, deployment, 'deployment.rolled_back', message, actor.userId);
    return { kind: 'done', deployment };
  });
}

type Locked = { kind: 'found'; row: DeploymentRow } | Exclude<UpdateOutcome, { kind: 'done' | 'unknown_revision' }>;

async function lockService(tx: InTransaction, scope: Scope, id: string, version: number | undefined): Promise<Locked> {
  const row = await tx
    .selectFrom('deployment')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return { kind: 'unknown' };
  if (row.kind !== 'service') return { kind: 'not_a_service' };
  if (version !== undefined && version !== row.version) return { kind: 'stale', version: row.version };
  const { status } = row;
  const isOnItsWay = status === 'queued' || (isActive(status) && status !== 'stopping');
  return isOnItsWay ? { kind: 'found', row } : { kind: 'conflict', status };
}

/** Writes down what it was until now, where that was not needed before. Returns the latest revision. */
async function keepFirst(tx: InTransaction, row: DeploymentRow): Promise<number> {
  const all = await readRevisions(tx, row);
  const latest = all.at(-1)?.revision ?? 1;
  const [first] = all;
  if (latest === 1 && first !== undefined) {
    await tx
      .insertInto('revision')
      .values({ deployment_id: row.id, ...first, spec: JSON.stringify(first.spec) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return latest;
}

const sizes: ReadonlySet<keyof RevisionSpec> = new Set(['ram_required', 'cpu_required', 'gpu_required', 'replicas']);

/**
 * What is wanted from now on. Where nothing runs, there is nothing to be brought there; what was claimed for it was claimed for what it
 * asked for.
 */
async function wish(
  tx: InTransaction,
  row: DeploymentRow,
  revision: number,
  spec: RevisionSpec,
): Promise<DeploymentRow> {
  const isQueued = row.status === 'queued';
  if (isQueued && changedFields(specOfRow(row), spec).some((name) => sizes.has(name))) await dropClaims(tx, [row.id]);
  return tx
    .updateTable('deployment')
    .set({
      ...spec,
      command: spec.command === null ? null : JSON.stringify(spec.command),
      env: JSON.stringify(spec.env),
      revision,
      updating: !isQueued,
      update_message: null,
      ...(isQueued && { stable_revision: revision }),
      version: sql<number>`version + 1`,
    })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Gives up what was tried, in the transaction that found that it fails. */
export async function giveUp(tx: InTransaction, row: DeploymentRow, why: string): Promise<void> {
  const all = await readRevisions(tx, row);
  const target = all.find((one) => one.revision === row.stable_revision);
  if (target === undefined) throw new Error(`revision ${row.stable_revision} of deployment ${row.id} is gone`);
  const deployment = await wish(tx, row, target.revision, target.spec);
  const message = `revision ${row.revision} failed (${why}): back to revision ${target.revision}`;
  await tell(tx, deployment, 'deployment.rolled_back', message, null);
}

export async function tell(
  tx: InTransaction,
  row: DeploymentRow,
  type: EventType,
  message: string,
  actorId: string | null,
): Promise<void> {
  await appendEvents(tx, [
    {
      organizationId: row.organization_id,
      clusterId: row.cluster_id,
      deploymentId: row.id,
      type,
      message,
      data: { revision: row.revision },
      actorId,
    },
  ]);
}
