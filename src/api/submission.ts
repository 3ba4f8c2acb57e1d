/** What happens to a submission between its body and its answer; the routes are in routes/submit.ts. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { Database } from '../store/database.ts';
import { readDeployments } from '../store/deployments.ts';
import { readReady } from '../store/health.ts';
import { findSubmitted, requestHash } from '../store/idempotency.ts';
import { newId } from '../store/ids.ts';
import type { NewDeployment, Submission, SubmissionOutcome } from '../store/submit.ts';
import type { ClusterCapacities } from '../store/submit-capacity.ts';
import type { Submitter } from '../store/submit-group.ts';
import { actorOf, pathId, scopeOf } from './auth.ts';
import { checkData } from './data-checks.ts';
import { ApiError, invalidField, notFound } from './errors.ts';
import { refuseWhatNeverFits } from './never-fits.ts';
import { newData } from './new-data.ts';
import { type DeploymentAnswer, presentDeployment, presentSubmitted } from './present/deployments.ts';
import type { DeploymentCreate } from './schemas/deployments.ts';
import { refuseUnknownData } from './unknown-data.ts';

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
  checkData(bodies, fieldOf);
  const submission = submissionOf(request, bodies);
  const refusal =
    (await refuseWhatNeverFits(deps.capacities, submission, fieldOf)) ??
    (await refuseUnknownData(deps.db, submission.scope, submission.deployments, fieldOf));
  const outcome =
    refusal === null ? await deps.submitter.submit(submission) : await earlierOr(deps, submission, refusal);
  switch (outcome.kind) {
    case 'accepted':
      for (const clusterId of new Set(submission.deployments.map((one) => one.clusterId))) deps.control.wake(clusterId);
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

function submissionOf(request: FastifyRequest, bodies: readonly DeploymentBody[]): Submission {
  const key = idempotencyKey(request);
  return {
    scope: scopeOf(request),
    actor: actorOf(request),
    deployments: bodies.map(newDeployment),
    idempotency: key === undefined ? null : { key, requestHash: requestHash(request.body) },
  };
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

function newDeployment(body: DeploymentBody): NewDeployment {
  return {
    id: newId(),
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
  };
}

/** "registry.example.com/team/app:2" is "app". */
export function nameOfImage(image: string): string {
  const path = image.split('@', 1)[0] ?? image;
  const last = path.slice(path.lastIndexOf('/') + 1);
  const name = last.split(':', 1)[0] ?? last;
  return name.slice(0, 63).replace(/[^a-z0-9]+$/, '');
}
