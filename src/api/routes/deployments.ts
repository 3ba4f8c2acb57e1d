import type { z } from 'zod';
import { readDependencies } from '../../store/dependencies.ts';
import {
  changePriority,
  type DeploymentFilter,
  type DeploymentOrder,
  listDeployments,
  readDeployment,
} from '../../store/deployments.ts';
import { readReady } from '../../store/health.ts';
import { readReplicas } from '../../store/replica-reads.ts';
import { readExpiry } from '../../store/retention.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { hintsOf } from '../deployment-stats.ts';
import { notFound } from '../errors.ts';
import { expectedVersion, setEtag, versionMismatch } from '../etag.ts';
import { filterId } from '../filters.ts';
import { illegalTransition } from '../illegal-transition.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentDependency } from '../present/dependencies.ts';
import { presentDeployment, presentReplica } from '../present/deployments.ts';
import { idParams, pageOf } from '../schemas/common.ts';
import { Deployment, DeploymentDetail, DeploymentListQuery, DeploymentUpdate } from '../schemas/deployments.ts';
import { whyItWaits } from '../waiting.ts';

type ListQuery = z.infer<typeof DeploymentListQuery>;

export const registerDeploymentRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.get(
    '/deployments',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listDeployments',
        summary: 'List deployments',
        tags: ['Deployments'],
        querystring: DeploymentListQuery,
        response: { 200: pageOf(Deployment) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const key = decodeCursor(cursor, ['number', 'time', 'uuid']);
      const filter = filterOf(request.query);
      const after = key && { priority: key[0], at: key[1], id: key[2] };
      const page = { limit: limit + 1, after };
      const rows = await listDeployments(db, scopeOf(request), filter, orderOf(request.query.sort), page);
      const ready = await readReady(db, scopeOf(request), rows);
      return pageOfRows(
        rows,
        limit,
        (row) => [row.priority, row.created_at_exact, row.id],
        (row) => presentDeployment(row, ready),
      );
    },
  );

  api.get(
    '/deployments/:id',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getDeployment',
        summary: 'Read a deployment, with its replicas and why it waits',
        tags: ['Deployments'],
        params: idParams,
        response: { 200: DeploymentDetail },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const row = await readDeployment(db, scope, pathId(request.params.id, 'deployment'));
      if (row === null) throw notFound('deployment');
      setEtag(reply, row.version);
      const replicas = await readReplicas(db, scope, row.id, row.attempt);
      const dependencies = await readDependencies(db, scope, row.id);
      // The engine is on this machine, and this is what the one who asks calls it.
      const reading = { isChecked: row.health_check !== null, engineAddress: request.hostname };
      return {
        ...presentDeployment(row, await readReady(db, scope, [row])),
        replica_states: replicas.map((replica) => presentReplica(replica, reading)),
        waiting: row.status === 'queued' ? await whyItWaits(db, control, scope, row, dependencies) : null,
        expires_at: (await readExpiry(db, scope, row.id))?.toISOString() ?? null,
        dependencies: dependencies.map(presentDependency),
        hints: hintsOf(row, replicas),
      };
    },
  );

  api.patch(
    '/deployments/:id',
    {
      config: { role: 'developer', errors: ['illegal_transition', 'version_mismatch'] },
      schema: {
        operationId: 'updateDeployment',
        summary: 'Change the priority of a queued deployment',
        tags: ['Deployments'],
        params: idParams,
        body: DeploymentUpdate,
        response: { 200: Deployment },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'deployment');
      const version = expectedVersion(request);
      const change = { priority: request.body.priority, version };
      const outcome = await changePriority(db, scopeOf(request), id, change, actorOf(request));
      switch (outcome.kind) {
        case 'unknown':
          throw notFound('deployment');
        case 'stale':
          throw versionMismatch(version ?? outcome.version);
        case 'conflict':
          throw illegalTransition('change the priority of', outcome.status);
        case 'done':
          control.wake(outcome.deployment.cluster_id);
          setEtag(reply, outcome.deployment.version);
          // A queued one has no replicas.
          return presentDeployment(outcome.deployment, new Map());
      }
    },
  );
};

function filterOf(query: ListQuery): DeploymentFilter {
  return {
    clusterId: filterId(query.cluster_id),
    submittedBy: filterId(query.submitted_by),
    arrayId: filterId(query.array_id),
    arrayIndex: query.array_index,
    inArray: query.in_array,
    statuses: query.status,
    kind: query.kind,
    priority: query.priority,
    name: query.name,
  };
}

function orderOf(sort: ListQuery['sort']): DeploymentOrder {
  const by = sort.endsWith('priority') ? 'priority' : 'created_at';
  return { by, direction: sort.startsWith('-') ? 'desc' : 'asc' };
}
