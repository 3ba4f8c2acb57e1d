import { z } from 'zod';
import { readCluster } from '../../store/clusters.ts';
import { listNodes } from '../../store/nodes.ts';
import { type HistoryRow, readHistory } from '../../store/trace.ts';
import { pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { notFound } from '../errors.ts';
import { presentHeader, presentHistory } from '../present/trace.ts';
import { idParams } from '../schemas/common.ts';
import { goneSignal, sendPieces } from '../streaming.ts';

/** More nodes than a cluster may have. */
const allNodes = 100_000;
const everyNode = { name: undefined, schedulable: undefined };

const TraceQuery = z.strictObject({
  since: z.iso.datetime({ offset: true }).optional().describe('Only deployments submitted from this time on.'),
});

export const registerTraceRoutes: Routes = (api, deps) => {
  const { db } = deps;

  api.get(
    '/clusters/:id/trace',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        operationId: 'getTrace',
        summary: 'The history of a cluster, to be replayed by `hv simulate`',
        tags: ['Clusters'],
        params: idParams,
        querystring: TraceQuery,
        response: {
          200: z
            .string()
            .describe('`application/x-ndjson`: the cluster in the first line, a deployment in each other one.'),
        },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'cluster');
      const scope = scopeOf(request);
      const cluster = await readCluster(db, scope, id);
      if (cluster === null) throw notFound('cluster');
      const nodes = await listNodes(db, scope, id, everyNode, { limit: allNodes, after: undefined, descending: false });
      const { since } = request.query;
      const pages = readHistory(db, scope, id, since === undefined ? undefined : new Date(since));
      const pieces = written(`${JSON.stringify(presentHeader(cluster.name, nodes))}\n`, pages);
      return sendPieces(reply, 'application/x-ndjson; charset=utf-8', pieces, goneSignal(reply, deps));
    },
  );
};

async function* written(header: string, pages: AsyncIterable<readonly HistoryRow[]>): AsyncGenerator<string> {
  yield header;
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(presentHistory(row))}\n`).join('');
}
