/** Arrays: read as one, and what people do to all of one. */
import { z } from 'zod';
import type { ControlPlane } from '../../control/control-plane.ts';
import { listArrays, readArray } from '../../store/arrays.ts';
import type { Database } from '../../store/database.ts';
import type { Scope } from '../../store/scope.ts';
import { type ArrayTransition, cancelArray, deleteArray, retryArray } from '../../store/transitions.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, type ErrorCode, notFound } from '../errors.ts';
import { filterId } from '../filters.ts';
import { neededByOthers } from '../needed.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentArray } from '../present/arrays.ts';
import { ArrayChange, ArrayListQuery, DeploymentArray, ForceQuery } from '../schemas/arrays.ts';
import { idParams, pageOf } from '../schemas/common.ts';

const verbs = [
  { name: 'cancel', summary: 'Withdraw all of an array that is not over', apply: cancelArray },
  { name: 'retry', summary: 'Queue again what of an array has ended without success', apply: retryArray },
] as const;

const errors: readonly ErrorCode[] = ['cluster_deleting'];

export const registerArrayRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.get(
    '/arrays',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listArrays',
        summary: 'List arrays, the latest first',
        tags: ['Deployments'],
        querystring: ArrayListQuery,
        response: { 200: pageOf(DeploymentArray) },
      },
    },
    async (request) => {
      const { limit, cursor, cluster_id: clusterId, name, open } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const after = key && { at: key[0], id: key[1] };
      const filter = { clusterId: filterId(clusterId), name, open };
      const rows = await listArrays(db, scopeOf(request), filter, { limit: limit + 1, after });
      return pageOfRows(rows, limit, (row) => [row.created_at_exact, row.id], presentArray);
    },
  );

  api.get(
    '/arrays/:id',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getArray',
        summary: 'Read an array: how many of it have which status',
        tags: ['Deployments'],
        params: idParams,
        response: { 200: DeploymentArray },
      },
    },
    async (request) => {
      const row = await readArray(db, scopeOf(request), pathId(request.params.id, 'array'));
      if (row === null) throw notFound('array');
      return presentArray(row);
    },
  );

  for (const verb of verbs) {
    api.post(
      `/arrays/:id/${verb.name}`,
      {
        config: { role: 'developer', errors },
        schema: {
          operationId: `${verb.name}Array`,
          summary: verb.summary,
          tags: ['Deployments'],
          params: idParams,
          response: { 200: ArrayChange },
        },
      },
      async (request) => {
        const id = pathId(request.params.id, 'array');
        const outcome = await verb.apply(db, scopeOf(request), id, actorOf(request));
        const changed = passOn(outcome, control);
        return { ...(await arrayNow(db, scopeOf(request), id)), changed };
      },
    );
  }

  api.delete(
    '/arrays/:id',
    {
      config: { role: 'developer', errors: [...errors, 'has_dependents'] },
      schema: {
        operationId: 'deleteArray',
        summary: 'Delete an array, stopping what of it is active first',
        tags: ['Deployments'],
        params: idParams,
        querystring: ForceQuery,
        response: {
          202: ArrayChange.describe('Some of it is being stopped, and goes then.'),
          204: z.undefined().describe('Deleted.'),
        },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'array');
      const scope = scopeOf(request);
      const outcome = await deleteArray(db, scope, id, actorOf(request), request.query);
      const changed = passOn(outcome, control);
      const left = await readArray(db, scope, id);
      return left === null ? reply.code(204).send() : reply.code(202).send({ ...presentArray(left), changed });
    },
  );
};

/** Passes on what was done to the control plane, and says to how many; throws what stood in the way. */
function passOn(outcome: ArrayTransition, control: ControlPlane): number {
  switch (outcome.kind) {
    case 'unknown':
      throw notFound('array');
    case 'cluster_deleting':
      throw new ApiError('cluster_deleting');
    case 'needed':
      throw neededByOthers(outcome);
    case 'done': {
      const { deployments } = outcome;
      control.stopSoon(
        deployments.filter(({ status }) => status === 'stopping').map(({ id, attempt }) => ({ id, attempt })),
      );
      for (const clusterId of new Set(deployments.map((one) => one.cluster_id))) control.wake(clusterId);
      control.settle();
      return deployments.length;
    }
  }
}

async function arrayNow(db: Database, scope: Scope, id: string) {
  const row = await readArray(db, scope, id);
  if (row === null) throw notFound('array');
  return presentArray(row);
}
