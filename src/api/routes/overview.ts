import { readOverview } from '../../store/overview.ts';
import { scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { Overview } from '../schemas/overview.ts';

export const registerOverviewRoutes: Routes = (api, { db }) => {
  api.get(
    '/overview',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getOverview',
        summary: 'How the organization stands, in a few figures',
        tags: ['Deployments'],
        response: { 200: Overview },
      },
    },
    async (request) => {
      const { queued, starting, running, stopping, ...row } = await readOverview(db, scopeOf(request));
      return {
        deployments: { queued, starting, running, stopping },
        finished_24h: row.finished,
        waits_24h: { median_s: row.medianWait, p90_s: row.wait90, count: row.admitted },
        longest_waiting_s: row.longestWaiting,
      };
    },
  );
};
