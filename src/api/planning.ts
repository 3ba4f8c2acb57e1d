/** What would happen if something were submitted or applied now: a pass over the present state with it added, and nothing is written. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { CurrentPlan } from '../control/control-plane.ts';
import type { Decision } from '../core/model.ts';
import type { Candidate } from '../core/preview.ts';
import { readNames } from '../store/deployments.ts';
import type { Scope } from '../store/scope.ts';
import type { NewDeployment } from '../store/submit.ts';
import { readUsedVolumes, type UsedVolumes } from '../store/volumes.ts';
import { type ApplyDeps, asksAnew, compareAll, comparingOf, refusalsOf } from './applying.ts';
import { type Compared, presentCompared, presentUndeclared } from './comparing.ts';
import type { ApiError } from './errors.ts';
import { viewOf } from './plan-view.ts';
import { namedIn } from './present/decisions.ts';
import { presentStanding, victimsOf } from './present/standing.ts';
import type { DeploymentPlan, PlanResult } from './schemas/apply.ts';
import { queuedOf } from './spec.ts';
import { type DeploymentBody, newDeployment } from './submission.ts';

type PlanBody = z.infer<typeof DeploymentPlan>;

export async function planAll(
  deps: ApplyDeps,
  request: FastifyRequest,
  body: PlanBody,
): Promise<z.infer<typeof PlanResult>> {
  const comparing = comparingOf(request, body);
  const { scope } = comparing;
  const { compared, undeclared } =
    body.as === 'apply' ? await compareAll(deps.db, comparing, body) : { compared: submitted(body), undeclared: [] };
  // What is there already, and stays what it is, is not judged again.
  const asked = compared.filter(({ decided }) => asksAnew(decided));
  const refusals = await refusalsOf(deps, comparing, asked);
  const userId = comparing.actor.userId;
  const planned = compared.filter(({ index }) => !refusals.has(index));
  const volumes = await readUsedVolumes(
    deps.db,
    scope,
    planned.map(({ deployment }) => deployment),
  );
  const plans = await planClusters(deps, planned, {
    pruned: new Set(undeclared.map(({ id }) => id)),
    userId,
    volumes,
  });
  const names = await namesIn(deps, scope, compared, plans);
  return {
    deployments: [
      ...compared.map((one) => {
        const refusal = refusals.get(one.index);
        const current = plans.get(one.deployment.clusterId);
        const decision = current === undefined || refusal !== undefined ? undefined : decisionOn(one, current);
        return {
          ...presentCompared(one),
          errors: refusal === undefined ? [] : errorsOf(one, refusal),
          standing:
            decision === undefined || current === undefined ? null : presentStanding(decision, viewOf(current), names),
        };
      }),
      ...undeclared.map((row) => ({ ...presentUndeclared(row), errors: [], standing: null })),
    ],
  };
}

/** To be submitted, beside whatever is there. */
function submitted(body: PlanBody): Compared[] {
  return body.deployments.map((one, index) => ({
    index,
    body: one,
    deployment: newDeployment(one),
    before: null,
    decided: { action: 'create' },
    changes: [],
    obstacle: null,
  }));
}

function errorsOf({ index }: Compared, refusal: ApiError): { field: string; message: string }[] {
  return [...(refusal.errors ?? [{ field: `deployments.${index}`, message: refusal.message }])];
}

function isMade({ action }: Compared['decided']): boolean {
  return action === 'create' || action === 'replace';
}

interface Planning {
  /** By id: what would leave. */
  readonly pruned: ReadonlySet<string>;
  readonly userId: string | null;
  readonly volumes: UsedVolumes;
}

/** By cluster: the plan with all of them in it. */
async function planClusters(
  { control }: ApplyDeps,
  compared: readonly Compared[],
  { pruned, userId, volumes }: Planning,
): Promise<Map<string, CurrentPlan>> {
  const replaced = compared.flatMap(({ decided, before }) => (decided.action === 'replace' ? (before?.id ?? []) : []));
  const leaving = new Set([...pruned, ...replaced]);
  const plans = new Map<string, CurrentPlan>();
  for (const clusterId of new Set(compared.map(({ deployment }) => deployment.clusterId))) {
    const mine = compared.filter(({ deployment }) => deployment.clusterId === clusterId);
    const candidates = mine.flatMap((one) => candidatesOf(one, userId, volumes));
    plans.set(clusterId, await control.preview(clusterId, { candidates, leaving }));
  }
  return plans;
}

/** As it would stand in the queue; none where nothing would change there. */
function candidatesOf(
  { deployment, body, before, decided }: Compared,
  userId: string | null,
  volumes: UsedVolumes,
): Candidate[] {
  switch (decided.action) {
    case 'create':
      return nowQueued(deployment, body).map((id) => ({
        ...queuedOf(deployment, userId, volumes),
        id,
        queuedAt: null,
      }));
    case 'replace': {
      const queuedAt = decided.keepsAge ? (before?.queued_at.getTime() ?? null) : null;
      return [{ ...queuedOf(deployment, userId, volumes), queuedAt }];
    }
    case 'update': {
      // What runs is not queued for its update.
      if (before === null || decided.rolled) return [];
      const queuedAt = before.queued_at.getTime();
      return [{ ...queuedOf(deployment, before.submitted_by, volumes), id: before.id, queuedAt }];
    }
    default:
      return [];
  }
}

/** Of an array, so many as may run at once; none of what waits for others. */
function nowQueued({ id, array }: NewDeployment, { depends_on: needs }: DeploymentBody): readonly string[] {
  if (needs.length > 0) return [];
  return array === null ? [id] : array.elementIds.slice(0, array.parallel ?? undefined);
}

/** On what would be queued: itself, or what is there under its name. */
function decisionOn({ deployment, before, decided }: Compared, current: CurrentPlan): Decision | undefined {
  const id = isMade(decided) ? deployment.id : before?.id;
  const view = viewOf(current);
  return id === undefined ? undefined : view.decisions[view.indexOf(id) ?? -1];
}

/** Of whom would be stopped, and of who stands in the way: some of those are only planned. */
async function namesIn(
  { db }: ApplyDeps,
  scope: Scope,
  compared: readonly Compared[],
  plans: ReadonlyMap<string, CurrentPlan>,
): Promise<Map<string, string>> {
  const decisions = compared.flatMap((one) => {
    const current = plans.get(one.deployment.clusterId);
    return (current && decisionOn(one, current)) ?? [];
  });
  const ids = [...decisions.flatMap(victimsOf), ...namedIn(decisions)];
  const there = ids.length === 0 ? new Map<string, string>() : await readNames(db, scope, ids);
  return new Map([...there, ...compared.map(({ deployment }) => [deployment.id, deployment.name] as const)]);
}
