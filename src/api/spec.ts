/**
 * What was asked for in a deployment, in one form for all that is compared: the fields of `DeploymentCreate`, as a deployment shows
 * them. What is declared passes through the same steps as what is submitted, so that defaults are filled in on both sides alike,
 * and a field that is added to both schemas is compared from then on.
 */
import { type Difference, differences, type Json } from '../core/differences.ts';
import type { QueuedDeployment } from '../core/model.ts';
import { namesOfVolumes } from '../store/bound-to-engines.ts';
import type { DeploymentRow } from '../store/deployments.ts';
import type { Actor, Scope } from '../store/scope.ts';
import type { NewDeployment } from '../store/submit.ts';
import type { UsedVolumes } from '../store/volumes.ts';
import { requestOf } from './never-fits.ts';
import { type DeploymentAnswer, presentDeployment, presentSubmitted } from './present/deployments.ts';
import { Deployment, DeploymentCreate } from './schemas/deployments.ts';
import { newDeployment } from './submission.ts';

export type Spec = Readonly<Record<string, Json>>;

const fields = Object.keys(DeploymentCreate.shape).filter((field) => Object.hasOwn(Deployment.shape, field));

function specOfAnswer(answer: DeploymentAnswer): Spec {
  const all = JSON.parse(JSON.stringify(answer)) as Record<string, Json>;
  return Object.fromEntries(
    fields.flatMap((field) => (Object.hasOwn(all, field) ? [[field, all[field] as Json]] : [])),
  );
}

export function specOfRow(row: DeploymentRow): Spec {
  // How many of its replicas are ready is nothing that anybody asked for.
  return specOfAnswer(presentDeployment(row, new Map()));
}

export function specOfNew(deployment: NewDeployment, scope: Scope, actor: Actor): Spec {
  const submission = { scope, actor, deployments: [deployment], idempotency: null };
  return specOfAnswer(presentSubmitted(submission, deployment, new Date(0)));
}

/** In what a declared one differs from what is there. */
export function changesBetween(before: Spec, after: Spec): Difference[] {
  return differences(before, after);
}

/** What would have to be submitted to get it. A field that can only be left out is left out where it is null. */
export function bodyOf(spec: Spec): Record<string, Json> {
  return Object.fromEntries(Object.entries(spec).filter(([field, value]) => value !== null || takesNull(field)));
}

function takesNull(field: string): boolean {
  return DeploymentCreate.shape[field as keyof typeof DeploymentCreate.shape].safeParse(null).success;
}

/** Whether the scheduler reads the same of both, but for their priority. */
export function asksTheSame(row: DeploymentRow, deployment: NewDeployment): boolean {
  const before = DeploymentCreate.safeParse(bodyOf(specOfRow(row)));
  // What was accepted by an older version may not be any more.
  return before.success && differences(asked(newDeployment(before.data)), asked(deployment)).length === 0;
}

function asked(deployment: NewDeployment): Json {
  // Where volumes are is the same for both: which they are may differ.
  const { request, timeLimit, isService } = queuedOf(deployment, null, new Map());
  const volumes = namesOfVolumes(deployment.volumes).toSorted();
  return JSON.parse(JSON.stringify({ cluster: deployment.clusterId, request, volumes, timeLimit, isService })) as Json;
}

/** As the planner would read it from the queue; when it entered that is for the caller to say. */
export function queuedOf(
  deployment: NewDeployment,
  userId: string | null,
  volumes: UsedVolumes,
): Omit<QueuedDeployment, 'queuedAt'> {
  const { id, priority, timeLimitSeconds, stopGraceSeconds } = deployment;
  return {
    id,
    request: requestOf(deployment, volumes),
    priority,
    // With the grace of its stop: what is planned behind it must not be late by that.
    timeLimit: timeLimitSeconds === null ? null : (timeLimitSeconds + stopGraceSeconds) * 1000,
    isService: deployment.kind === 'service',
    ...(userId !== null && { user: userId }),
  };
}
