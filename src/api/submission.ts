/** What happens to a submission between its body and its answer; the routes are in routes/submit.ts. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { Database } from '../store/database.ts';
import { readDeployments } from '../store/deployments.ts';
import { readReady } from '../store/health.ts';
import { findSubmitted, requestHash } from '../store/idempotency.ts';
import { newId } from '../store/ids.ts';
import { defaultUpdatePolicy } from '../store/rollouts.ts';
import type { NewDeployment, Submission, SubmissionOutcome } from '../store/submit.ts';
import type { ClusterCapacities } from '../store/submit-capacity.ts';
import type { Submitter } from '../store/submit-group.ts';
import { readUsedVolumes } from '../store/volumes.ts';
import { currentTraceParent } from '../tracing/spans.ts';
import { actorOf, pathId, scopeOf } from './auth.ts';
import { checkData } from './data-checks.ts';
import { resolveDependencies } from './depends-on.ts';
import { ApiError, type FieldError, invalidField, invalidFields, notFound } from './errors.ts';
import { refuseFieldsOfOtherKind } from './kind-fields.ts';
import { refuseWhatNeverFits } from './never-fits.ts';
import { newData } from './new-data.ts';
import { type DeploymentAnswer, presentDeployment, presentSubmitted } from './present/deployments.ts';
import { elementsMax } from './schemas/arrays.ts';
import type { DeploymentCreate } from './schemas/deployments.ts';
import { refuseUnknownData } from './unknown-data.ts';
import { refuseVolumesApart } from './volumes-apart.ts';

export type DeploymentBody = z.infer<typeof DeploymentCreate>;

export interface SubmitDeps {
  readonly db: Database;
  readonly control: ControlPlane;
  readonly submitter: Submitter;
  readonly capacities: ClusterCapacities;
}

/**
 * Submits deployments, all or none, and answers with them in order. `fieldOf` names the fields of the one at an index in
 * errors: `cpu_required` of a single one, `deployments.3.cpu_required` in a batch.
 */
export async function submit(
  deps: SubmitDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  bodies: readonly DeploymentBody[],
  fieldOf: (index: number, field: string) => string,
): Promise<DeploymentAnswer[]> {
  const caller = { scope: scopeOf(request), actor: actorOf(request) };
  const key = idempotencyKey(request);
  const idempotency = key === undefined ? null : { key, requestHash: requestHash(request.body) };
  const { submission, refusal } = await prepareSubmission(deps, { ...caller, idempotency }, bodies, fieldOf);
  const outcome =
    refusal === null ? await deps.submitter.submit(submission) : await earlierOr(deps, submission, refusal);
  switch (outcome.kind) {
    case 'accepted':
      for (const clusterId of new Set(submission.deployments.map((one) => one.clusterId))) deps.control.wake(clusterId);
      if (submission.deployments.some(isHeld)) deps.control.settle();
      for (const { id, clusterId } of submission.deployments) {
        request.log.debug({ deployment: id, cluster: clusterId }, 'submitted');
      }
      return submission.deployments.map((deployment) => presentSubmitted(submission, deployment, outcome.at));
    case 'replayed':
      reply.header('idempotency-replayed', 'true');
      return replay(deps.db, submission, outcome.ids);
    case 'key_conflict':
      throw new ApiError('idempotency_conflict');
    case 'unknown_cluster':
      throw notFound('cluster');
    case 'cluster_deleting':
      throw new ApiError('cluster_deleting');
  }
}

/** It waits for others, or for its turn in its array. */
function isHeld({ dependencies, array }: NewDeployment): boolean {
  return dependencies.length > 0 || array?.parallel != null;
}

export interface Prepared {
  readonly submission: Submission;
  /** Why it can't be submitted; null where nothing stands in the way. */
  readonly refusal: ApiError | null;
}

/** What is to be written for these bodies, and whether it may be: all that a schema cannot say is looked at here. */
export async function prepareSubmission(
  { db, capacities }: Pick<SubmitDeps, 'db' | 'capacities'>,
  of: Omit<Submission, 'deployments'>,
  bodies: readonly DeploymentBody[],
  fieldOf: (index: number, field: string) => string,
): Promise<Prepared> {
  checkData(bodies, fieldOf);
  const submission = { ...of, deployments: bodies.map(newDeployment) };
  const impossible = refuseFieldsOfOtherKind(bodies, fieldOf) ?? refuseImpossibleArrays(bodies, fieldOf);
  if (impossible !== null) return { submission, refusal: impossible };
  const volumes = await readUsedVolumes(db, of.scope, submission.deployments);
  const refusal =
    refuseVolumesApart(volumes, submission.deployments, fieldOf) ??
    (await refuseWhatNeverFits(capacities, { ...submission, volumes }, fieldOf)) ??
    (await refuseUnknownData(db, of.scope, submission.deployments, volumes, fieldOf));
  if (refusal !== null) return { submission, refusal };
  try {
    const { deployments } = submission;
    const dependencies = await resolveDependencies(db, of.scope, deployments, bodies, fieldOf);
    const resolved = deployments.map((one, index) => ({ ...one, dependencies: dependencies[index] ?? [] }));
    return { submission: { ...submission, deployments: resolved }, refusal: null };
  } catch (error) {
    if (error instanceof ApiError) return { submission, refusal: error };
    throw error;
  }
}

/** Bytes of files that one array may come to. */
const arrayFilesMax = 64 * 1024 * 1024;

function refuseImpossibleArrays(
  bodies: readonly DeploymentBody[],
  fieldOf: (index: number, field: string) => string,
): ApiError | null {
  const errors = bodies.flatMap(({ kind, count, array_parallel: parallel, files }, index): FieldError[] => {
    const bytes = count * files.reduce((sum, { content }) => sum + content.length, 0);
    if (count > 1 && bytes > arrayFilesMax) {
      const message =
        'are kept for each of an array, and come to more than 64 MB for all of it: put them into a volume';
      return [{ field: fieldOf(index, 'files'), message }];
    }
    if (count > 1 && kind === 'service') {
      return [{ field: fieldOf(index, 'count'), message: 'must be 1 for a service: use `replicas` for more of it' }];
    }
    if (count === 1 && parallel !== null) {
      return [{ field: fieldOf(index, 'array_parallel'), message: 'must be null, unless `count` is more than 1' }];
    }
    return [];
  });
  const elements = bodies.reduce((sum, { count }) => sum + count, 0);
  if (bodies.length > 1 && elements > elementsMax) {
    const message = `makes ${elements} deployments of this request, and at most ${elementsMax} can be submitted at once`;
    errors.push({
      field: fieldOf(
        bodies.findIndex(({ count }) => count > 1),
        'count',
      ),
      message,
    });
  }
  return errors.length === 0 ? null : invalidFields(errors);
}

/** What would be refused now may have been accepted before, under the same key: then that is the answer. */
async function earlierOr(deps: SubmitDeps, submission: Submission, refusal: ApiError): Promise<SubmissionOutcome> {
  const earlier = await findSubmitted(deps.db, submission.scope, submission.idempotency);
  if (earlier === null) throw refusal;
  return earlier;
}

/** The deployments that the first request made, as they are now. */
async function replay(db: Database, { scope }: Submission, ids: readonly string[]): Promise<DeploymentAnswer[]> {
  const rows = await readDeployments(db, scope, ids);
  const ready = await readReady(db, scope, [...rows.values()]);
  return ids.map((id) => {
    const row = rows.get(id);
    if (row === undefined) {
      throw new ApiError('idempotency_conflict', 'What this key submitted has been deleted since.');
    }
    return presentDeployment(row, ready);
  });
}

const printable = /^[\x20-\x7e]{1,200}$/;

function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !printable.test(header)) {
    throw invalidField('idempotency-key', 'must have 1 to 200 printable ASCII characters');
  }
  return header;
}

const defaultRestart = { policy: 'on_failure', max_restarts: null } as const;

/** As it is written, with what the body leaves open filled in; its dependencies are found later. */
export function newDeployment(body: DeploymentBody): NewDeployment {
  const elementIds = Array.from({ length: body.count }, newId);
  return {
    id: elementIds[0] ?? newId(),
    array: body.count === 1 ? null : { id: newId(), parallel: parallelOf(body), elementIds },
    dependencies: [],
    scheduleId: null,
    keepForSeconds: body.keep_for_s,
    traceParent: currentTraceParent(),
    clusterId: pathId(body.cluster_id, 'cluster'),
    name: body.name ?? nameOfImage(body.docker_image),
    kind: body.kind,
    dockerImage: body.docker_image,
    command: body.command,
    env: body.env,
    ports: body.ports,
    labels: body.labels,
    pullPolicy: body.pull_policy,
    healthCheck: body.health_check,
    ram: body.ram_required,
    cpu: body.cpu_required,
    gpu: body.gpu_required,
    gpuModels: body.gpu_models,
    gpuMemory: body.gpu_memory_required,
    nodeLabels: body.node_labels,
    maxPerNode: body.max_per_node,
    replicas: body.replicas,
    priority: body.priority,
    timeLimitSeconds: body.time_limit_s,
    stopGraceSeconds: body.stop_grace_s,
    ...newData(body),
    stopSignal: body.stop_signal,
    retry: body.retry ?? null,
    restart: body.kind === 'service' ? (body.restart ?? defaultRestart) : null,
    updatePolicy: body.kind === 'service' ? (body.update ?? defaultUpdatePolicy) : null,
  };
}

/** Null where all may run at once anyway. */
function parallelOf({ count, array_parallel: parallel }: DeploymentBody): number | null {
  return parallel === null || parallel >= count ? null : parallel;
}

/** "registry.example.com/team/app:2" is "app". */
export function nameOfImage(image: string): string {
  const path = image.split('@', 1)[0] ?? image;
  const last = path.slice(path.lastIndexOf('/') + 1);
  const name = last.split(':', 1)[0] ?? last;
  return name.slice(0, 63).replace(/[^a-z0-9]+$/, '');
}
