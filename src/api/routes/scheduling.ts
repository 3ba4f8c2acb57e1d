import { readNames } from '../../store/deployments.ts';
import { readPass } from '../../store/pass-detail.ts';
import { listPasses } from '../../store/passes.ts';
import { pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { notFound } from '../errors.ts';
import { filterId } from '../filters.ts';
import { knownCluster } from '../known-cluster.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { answerOfPass } from '../pass-answer.ts';
import { presentPass, presentPassDetail } from '../present/decisions.ts';
import { idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Pass, PassDetail, PassResult, QueueEntry, QueueQuery, ScheduleQuery } from '../schemas/scheduling.ts';
import { readQueue } from '../waiting.ts';

export const registerSchedulingRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.get(
    '/clusters/:id/queue',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listQueue',
        summary: 'List what is queued, in the order of the scheduler, with why it waits',
        tags: ['Scheduling'],
        params: idParams,
        querystring: QueueQuery,
        response: { 200: pageOf(QueueEntry) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const clusterId = await knownCluster(deps, scope, request.params.id);
      const { limit, cursor, submitted_by, name } = request.query;
      const key = decodeCursor(cursor, ['number', 'uuid']);
      const after = key && { position: key[0], id: key[1] };
      const filter = { submittedBy: filterId(submitted_by), name };
      const entries = await readQueue(db, control, scope, { clusterId, filter, limit: limit + 1, after });
      return pageOfRows(
        entries,
        limit,
        (entry) => [entry.position, entry.deployment_id],
        (entry) => entry,
      );
    },
  );

  api.post(
    '/clusters/:id/schedule',
    {
      config: { role: 'developer' },
      schema: {
        operationId: 'schedule',
        summary: 'Run a scheduling pass now, or see what one would decide',
        tags: ['Scheduling'],
        params: idParams,
        querystring: ScheduleQuery,
        response: { 200: PassResult },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const clusterId = await knownCluster(deps, scope, request.params.id);
      const outcome = await control.schedule(clusterId, { dryRun: request.query.dryRun, trigger: 'api' });
      return answerOfPass(db, scope, outcome);
    },
  );

  api.get(
    '/clusters/:id/passes',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listPasses',
        summary: 'List the passes that changed something, the latest first',
        tags: ['Scheduling'],
        params: idParams,
        querystring: PageQuery,
        response: { 200: pageOf(Pass) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const clusterId = await knownCluster(deps, scope, request.params.id);
      const { limit, cursor } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const after = key && { at: key[0], id: key[1] };
      const rows = await listPasses(db, scope, clusterId, { limit: limit + 1, after });
      return pageOfRows(rows, limit, (row) => [row.created_at_exact, row.id], presentPass);
    },
  );

  api.get(
    '/passes/:id',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getPass',
        summary: 'Read a pass: whom it admitted, who waited and why',
        tags: ['Scheduling'],
        params: idParams,
        response: { 200: PassDetail },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const row = await readPass(db, scope, pathId(request.params.id, 'pass'));
      if (row === null) throw notFound('pass');
      const named = [...row.admissions, ...(row.detail?.waiting ?? [])];
      const ids = named.map((one) => one.deployment_id);
      return presentPassDetail(row, await readNames(db, scope, ids));
    },
  );
};
