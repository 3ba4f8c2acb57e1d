import { readNames } from '../../store/deployments.ts';
import { readTimeline } from '../../store/timeline.ts';
import { scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { knownCluster } from '../known-cluster.ts';
import { presentReservations, presentRun } from '../present/timeline.ts';
import { idParams } from '../schemas/common.ts';
import { Timeline, TimelineQuery } from '../schemas/timeline.ts';
import { spanOf } from '../time-span.ts';

const runsMax = 5000;

export const registerTimelineRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.get(
    '/clusters/:id/timeline',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getTimeline',
        summary: 'What ran on a cluster, when and on which node, and what is kept for whom',
        tags: ['Clusters'],
        params: idParams,
        querystring: TimelineQuery,
        response: { 200: Timeline },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const span = spanOf(request.query, Date.now());
      const clusterId = await knownCluster(deps, scope, request.params.id);
      const rows = await readTimeline(db, scope, clusterId, { ...span, limit: runsMax + 1 });
      const current = await control.currentPlan(clusterId);
      const holders = current.plan.reservations.map(({ deploymentId }) => deploymentId);
      return {
        runs: rows.slice(0, runsMax).map(presentRun),
        reservations: presentReservations(current, await readNames(db, scope, holders)),
        truncated: rows.length > runsMax,
      };
    },
  );
};
