/** Services are updated, their revisions looked at and returned to. */
import type { z } from 'zod';
import type { ControlPlane } from '../../control/control-plane.ts';
import { type DeploymentRow, readDeployment } from '../../store/deployments.ts';
import { readReady } from '../../store/health.ts';
import {
  type RevisionRow,
  readRevisions,
  rollBackDeployment,
  specOfRow,
  type UpdateOutcome,
  updateDeployment,
} from '../../store/revisions.ts';
import { rememberCapacities } from '../../store/submit-capacity.ts';
import type { RevisionSpec } from '../../store/tables.ts';
import { readUsedVolumes } from '../../store/volumes.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { expectedVersion, setEtag, versionMismatch } from '../etag.ts';
import { illegalTransition } from '../illegal-transition.ts';
import { refuseWhatNeverFits } from '../never-fits.ts';
import { presentDeployment } from '../present/deployments.ts';
import { revisionChanges } from '../revision-diff.ts';
import { idParams } from '../schemas/common.ts';
import { Deployment } from '../schemas/deployments.ts';
import {
  type Revision,
  RevisionDiff,
  RevisionDiffQuery,
  RevisionList,
  RollBack,
  ServiceUpdate,
} from '../schemas/revisions.ts';

export const registerRevisionRoutes: Routes = (api, deps) => {
  const { db, control } = deps;
  const capacities = rememberCapacities(db);

  async function found(request: Parameters<typeof scopeOf>[0], pathed: string): Promise<DeploymentRow> {
    const row = await readDeployment(db, scopeOf(request), pathId(pathed, 'deployment'));
    if (row === null) throw notFound('deployment');
    return row;
  }

  api.post(
    '/deployments/:id/update',
    {
      config: {
        role: 'developer',
        errors: ['illegal_transition', 'not_a_service', 'never_fits', 'version_mismatch'],
      },
      schema: {
        operationId: 'updateService',
        summary: 'Bring a service to a new revision, one replica after the other',
        tags: ['Deployments'],
        params: idParams,
        body: ServiceUpdate,
        response: { 200: Deployment },
      },
    },
    async (request, reply) => {
      const row = await found(request, request.params.id);
      const change = changeOf(request.body);
      const scope = scopeOf(request);
      const deployments = [askedFor(row, change(specOfRow(row)))];
      const volumes = await readUsedVolumes(db, scope, deployments);
      const refusal = await refuseWhatNeverFits(capacities, { scope, deployments, volumes }, (_, field) => field);
      if (refusal !== null && row.kind === 'service') throw refusal;
      const version = expectedVersion(request);
      const update = { version, change, why: 'updated' };
      const outcome = await updateDeployment(db, scopeOf(request), row.id, update, actorOf(request));
      const deployment = deploymentOf(outcome, 'update', version, control);
      setEtag(reply, deployment.version);
      return presentDeployment(deployment, await readReady(db, scopeOf(request), [deployment]));
    },
  );

  api.post(
    '/deployments/:id/rollback',
    {
      config: { role: 'developer', errors: ['illegal_transition', 'not_a_service', 'version_mismatch'] },
      schema: {
        operationId: 'rollBackService',
        summary: 'Return a service to another of its revisions',
        tags: ['Deployments'],
        params: idParams,
        body: RollBack,
        response: { 200: Deployment },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'deployment');
      const version = expectedVersion(request);
      const wanted = { version, revision: request.body.revision };
      const outcome = await rollBackDeployment(db, scopeOf(request), id, wanted, actorOf(request));
      const deployment = deploymentOf(outcome, 'roll back', version, control);
      setEtag(reply, deployment.version);
      return presentDeployment(deployment, await readReady(db, scopeOf(request), [deployment]));
    },
  );

  api.get(
    '/deployments/:id/revisions',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listRevisions',
        summary: 'List the revisions of a service',
        tags: ['Deployments'],
        params: idParams,
        response: { 200: RevisionList },
      },
    },
    async (request) => {
      const row = await found(request, request.params.id);
      return { items: (await readRevisions(db, row)).map((revision) => presentRevision(row, revision)) };
    },
  );

  api.get(
    '/deployments/:id/revisions/diff',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'diffRevisions',
        summary: 'Say what differs between two revisions of a service',
        tags: ['Deployments'],
        params: idParams,
        querystring: RevisionDiffQuery,
        response: { 200: RevisionDiff },
      },
    },
    async (request) => {
      const row = await found(request, request.params.id);
      const all = await readRevisions(db, row);
      const { from, to } = request.query;
      const specOf = (wanted: number): RevisionSpec => {
        const one = all.find(({ revision }) => revision === wanted);
        if (one === undefined) throw unknownRevision(wanted, all.at(-1)?.revision ?? 1);
        return one.spec;
      };
      return { from, to, changes: revisionChanges(specOf(from), specOf(to)) };
    },
  );
};

function changeOf(body: z.infer<typeof ServiceUpdate>): (spec: RevisionSpec) => RevisionSpec {
  const { env, env_set: set = {}, env_unset: unset = [], ...fields } = body;
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return (spec) => {
    const variables = Object.entries({ ...(env ?? spec.env), ...set }).filter(([name]) => !unset.includes(name));
    return { ...spec, ...given, env: Object.fromEntries(variables) };
  };
}

function askedFor(row: DeploymentRow, spec: RevisionSpec) {
  return {
    clusterId: row.cluster_id,
    ram: spec.ram_required,
    cpu: spec.cpu_required,
    gpu: spec.gpu_required,
    replicas: spec.replicas,
    gpuModels: row.gpu_models,
    gpuMemory: Number(row.gpu_memory_required),
    nodeLabels: row.node_labels,
    maxPerNode: row.max_per_node,
    ports: row.ports,
    volumes: row.volumes,
  };
}

function presentRevision(row: DeploymentRow, { created_at, ...revision }: RevisionRow): z.infer<typeof Revision> {
  return {
    ...revision,
    created_at: created_at.toISOString(),
    is_wanted: revision.revision === row.revision,
    is_stable: revision.revision === row.stable_revision,
  };
}

function unknownRevision(revision: number | undefined, latest: number): ApiError {
  const what = revision === undefined ? 'There is no revision before this one' : `There is no revision ${revision}`;
  return new ApiError('not_found', `${what}: the latest is ${latest}.`);
}

/** Passes on what was done to the control plane, or throws what stood in the way. */
function deploymentOf(
  outcome: UpdateOutcome,
  verb: 'update' | 'roll back',
  version: number | undefined,
  control: ControlPlane,
): DeploymentRow {
  switch (outcome.kind) {
    case 'unknown':
      throw notFound('deployment');
    case 'unknown_revision':
      throw unknownRevision(outcome.wanted, outcome.latest);
    case 'not_a_service':
      throw new ApiError('not_a_service', `Cannot ${verb} a job: what it is to do was said when it was submitted.`);
    case 'stale':
      throw versionMismatch(version ?? outcome.version);
    case 'conflict':
      throw illegalTransition(verb, outcome.status);
    case 'done':
      control.wake(outcome.deployment.cluster_id);
      return outcome.deployment;
  }
}
