/** What happens to an application between its body and its answer; the routes are in routes/apply.ts. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { ApplyAction } from '../core/apply.ts';
import { type Applied, apply, type Step } from '../store/apply.ts';
import type { Database } from '../store/database.ts';
import { readDeclared, readUndeclared } from '../store/declared.ts';
import type { DeploymentRow } from '../store/deployments.ts';
import { readReady } from '../store/health.ts';
import type { ClusterCapacities } from '../store/submit-capacity.ts';
import { actorOf, scopeOf } from './auth.ts';
import {
  type Compared,
  type Comparing,
  type ComparisonAnswer,
  compare,
  type Declaration,
  declarationsOf,
  presentChanges,
  presentCompared,
  presentUndeclared,
} from './comparing.ts';
import { ApiError, notFound } from './errors.ts';
import { presentDeployment } from './present/deployments.ts';
import type { ApplyResult, DeploymentApply } from './schemas/apply.ts';
import { prepareSubmission } from './submission.ts';

export interface ApplyDeps {
  readonly db: Database;
  readonly control: ControlPlane;
  readonly capacities: ClusterCapacities;
}

export type ApplyBody = z.infer<typeof DeploymentApply>;

export function comparingOf(request: FastifyRequest, { file_set, replace, rerun }: ApplyBody): Comparing {
  return { scope: scopeOf(request), actor: actorOf(request), fileSet: file_set, replace, rerun };
}

/** What would be done under each name. */
export async function compareAll(
  db: Database,
  comparing: Comparing,
  body: ApplyBody,
): Promise<{ compared: Compared[]; undeclared: DeploymentRow[] }> {
  const { scope, fileSet } = comparing;
  const declarations = declarationsOf(body.deployments);
  const names = declarations.map(({ deployment }) => deployment.name);
  const before = await readDeclared(db, scope, names, { lock: false });
  const compared = declarations.map((one) => compare(one, before.get(one.deployment.name) ?? null, comparing));
  return { compared, undeclared: body.prune ? await readUndeclared(db, scope, fileSet, names, { lock: false }) : [] };
}

export function presentComparisons(
  compared: readonly Compared[],
  undeclared: readonly DeploymentRow[],
): ComparisonAnswer[] {
  return [...compared.map(presentCompared), ...undeclared.map(presentUndeclared)];
}

export async function applyAll(
  { db, control, capacities }: ApplyDeps,
  comparing: Comparing,
  body: ApplyBody,
): Promise<z.infer<typeof ApplyResult>> {
  const { scope, actor, fileSet } = comparing;
  const declarations = declarationsOf(body.deployments);
  const refusals = await refusalsOf({ db, capacities }, comparing, declarations);
  const names = declarations.map(({ deployment }) => deployment.name);
  let compared: Compared[] = [];
  const applied = await apply(
    db,
    { scope, actor, fileSet, names, prune: body.prune },
    (before) => {
      compared = declarations.map((one) => compare(one, before.get(one.deployment.name) ?? null, comparing));
      return compared.map((one) => stepOf(one, compared, refusals));
    },
    (outcome) => (outcome.kind === 'cluster_deleting' ? new ApiError('cluster_deleting') : notFound('cluster')),
  );
  tell(control, compared, applied);
  const ready = await readReady(db, scope, [...applied.rows.values()]);
  return {
    deployments: [...compared.map((one) => presentApplied(one, applied, ready)), ...presentPruned(applied, ready)],
  };
}

/**
 * By index: why each could not be submitted. What is there already, and stays, may have come to be too large for its cluster: that is
 * for the caller to know, and no reason to refuse. Throws where a cluster is unknown.
 */
export async function refusalsOf(
  deps: Pick<ApplyDeps, 'db' | 'capacities'>,
  { scope, actor }: Comparing,
  declarations: readonly Declaration[],
): Promise<Map<number, ApiError>> {
  const refusals = new Map<number, ApiError>();
  for (const { index, body } of declarations) {
    const of = { scope, actor, idempotency: null };
    const { refusal } = await prepareSubmission(deps, of, [body], (_, field) => `deployments.${index}.${field}`);
    if (refusal?.code === 'not_found') throw refusal;
    if (refusal !== null) refusals.set(index, refusal);
  }
  return refusals;
}

/** Throws where one of them can not be done: then none is. */
function stepOf(one: Compared, all: readonly Compared[], refusals: ReadonlyMap<number, ApiError>): Step {
  const { decided, deployment, before } = one;
  if (decided.action === 'conflict') throw conflict(all);
  const refusal = refusals.get(one.index);
  if (asksAnew(decided) && refusal !== undefined) throw refusal;
  const keepsAge = decided.action === 'replace' && decided.keepsAge;
  return {
    action: decided.action,
    deployment,
    before,
    keepsAge,
    rolled: decided.action === 'update' && decided.rolled,
  };
}

/** Whether resources are asked for that were not before: by one that is new, or changed while it runs. */
export function asksAnew(decided: ApplyAction): boolean {
  return decided.action === 'create' || decided.action === 'replace' || (decided.action === 'update' && decided.rolled);
}

function conflict(all: readonly Compared[]): ApiError {
  const errors = all.flatMap(({ index, deployment, obstacle }) =>
    obstacle === null
      ? []
      : [{ field: `deployments.${index}`, message: `(${deployment.name}) can not be applied: ${obstacle}` }],
  );
  const detail = errors.slice(0, 3).map(({ field, message }) => `\`${field}\` ${message}`);
  const more = errors.length > detail.length ? `; and ${errors.length - detail.length} more` : '';
  return new ApiError('apply_conflict', `${detail.join('; ')}${more}.`, { errors });
}

/** After the commit: hints, that may be lost. */
function tell(control: ControlPlane, compared: readonly Compared[], { rows, pruned }: Applied): void {
  const touched = [
    ...compared.flatMap(({ before }) => (before === null ? [] : [before.id])),
    ...pruned.map(({ id }) => id),
  ];
  const stopping = touched.flatMap((id) => rows.get(id) ?? []).filter(({ status }) => status === 'stopping');
  control.stopSoon(stopping.map(({ id, attempt }) => ({ id, attempt })));
  for (const clusterId of new Set([...rows.values()].map((row) => row.cluster_id))) control.wake(clusterId);
}

const results = { create: 'created', update: 'updated', replace: 'replaced', unchanged: 'unchanged' } as const;

type Ready = ReadonlyMap<string, number>;
type AppliedAnswer = z.infer<typeof ApplyResult>['deployments'][number];

function presentApplied(
  { index, deployment, before, decided, changes }: Compared,
  { rows }: Applied,
  ready: Ready,
): AppliedAnswer {
  if (decided.action === 'conflict') throw new Error('a conflict was applied');
  const isNew = decided.action === 'create' || decided.action === 'replace';
  const row = rows.get(isNew ? deployment.id : (before?.id ?? ''));
  if (row === undefined) throw new Error(`what was applied as ${deployment.name} is not there`);
  return {
    index,
    name: deployment.name,
    result: results[decided.action],
    changes: presentChanges(changes),
    deployment: presentDeployment(row, ready),
    replaced_id: decided.action === 'replace' ? (before?.id ?? null) : null,
  };
}

function presentPruned({ rows, pruned }: Applied, ready: Ready): AppliedAnswer[] {
  return pruned.map((before) => ({
    index: null,
    name: before.name,
    result: 'pruned',
    changes: [],
    deployment: presentDeployment(rows.get(before.id) ?? before, ready),
    replaced_id: null,
  }));
}
