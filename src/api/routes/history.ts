import { fromThousandths } from '../../store/amounts.ts';
import { readSamples, type Sample } from '../../store/cluster-history.ts';
import { scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { knownCluster } from '../known-cluster.ts';
import { presentAmounts } from '../present/amounts.ts';
import { idParams } from '../schemas/common.ts';
import { ClusterHistory, HistoryQuery } from '../schemas/history.ts';
import { spanOf } from '../time-span.ts';

export const registerHistoryRoutes: Routes = (api, deps) => {
  api.get(
    '/clusters/:id/history',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getClusterHistory',
        summary: 'How a cluster stood over time',
        description: 'A sample every 15 seconds; of what is older than a day, averages of 10 minutes; of 90 days.',
        tags: ['Clusters'],
        params: idParams,
        querystring: HistoryQuery,
        response: { 200: ClusterHistory },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { points, ...asked } = request.query;
      const span = spanOf(asked, Date.now());
      const clusterId = await knownCluster(deps, scope, request.params.id);
      const samples = await readSamples(deps.db, scope, clusterId, { ...span, points });
      return { items: samples.map(presentSample) };
    },
  );
};

function presentSample({ at, total, allocated, used, queued, running }: Sample) {
  return {
    at: at.toISOString(),
    total: presentAmounts(total),
    allocated: presentAmounts(allocated),
    used: { ram: known(used.ram), cpu: known(used.cpu), gpu: known(used.gpu) },
    queued,
    running,
  };
}

function known(thousandths: number | null): number | null {
  return thousandths === null ? null : fromThousandths(thousandths);
}
