/** What a deployment uses at the moment, next to what it asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isFinal } from '../../core/lifecycle.ts';
import type { Scope } from '../../store/scope.ts';
import { pathId, scopeOf } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';
import { readStats } from '../deployment-stats.ts';
import { idParams } from '../schemas/common.ts';
import { DeploymentStats } from '../schemas/seeing-in.ts';
import { goneSignal, sendPieces } from '../streaming.ts';

/** How often one that is followed is told. */
const everyMs = 2000;

export const registerStatsRoutes: Routes = (api, deps) => {
  api.get(
    '/deployments/:id/stats',
    {
      config: { role: 'viewer', errors: ['runtime_unreachable'] },
      schema: {
        operationId: 'getStats',
        summary: 'CPU, memory and GPUs in use, next to what was asked for',
        tags: ['Deployments'],
        params: idParams,
        response: { 200: DeploymentStats },
      },
    },
    async (request) => (await readStats(deps, scopeOf(request), pathId(request.params.id, 'deployment'))).stats,
  );

  api.get(
    '/deployments/:id/stats/stream',
    {
      config: { role: 'viewer', errors: ['runtime_unreachable'] },
      schema: {
        operationId: 'followStats',
        summary: 'The same every two seconds, until it ends',
        tags: ['Deployments'],
        params: idParams,
        response: { 200: z.string().describe('`application/x-ndjson`: a `DeploymentStats` in each line.') },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'deployment');
      const first = await readStats(deps, scopeOf(request), id);
      const signal = goneSignal(reply, deps);
      const pieces = follow(deps, scopeOf(request), id, first, signal);
      return sendPieces(reply, 'application/x-ndjson; charset=utf-8', pieces, signal);
    },
  );
};

async function* follow(
  deps: RouteDeps,
  scope: Scope,
  id: string,
  first: Awaited<ReturnType<typeof readStats>>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (let found = first; ; found = await readStats(deps, scope, id)) {
    yield `${JSON.stringify(found.stats)}\n`;
    if (isFinal(found.status)) return;
    await sleep(everyMs, undefined, { signal });
  }
}
