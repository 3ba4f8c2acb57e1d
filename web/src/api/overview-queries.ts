import { queryOptions } from '@tanstack/react-query';
import { getClusterHistory, getOverview, listDeployments } from '../../../src/sdk/index.ts';
import { ask } from './client.ts';
import { keepWhile } from './queries.ts';

export const overviewQuery = queryOptions({
  queryKey: ['deployments', 'overview'],
  queryFn: ({ signal }) => ask(getOverview({ signal })),
});

/** The latest few of a status, or of all. */
export const latestQuery = (status: string | undefined) =>
  queryOptions({
    queryKey: ['deployments', 'latest', status],
    queryFn: ({ signal }) =>
      ask(listDeployments({ query: { limit: 6, ...(status !== undefined && { status }) }, signal })),
  });

const sampledMs = 15_000;

/** Capacity and use of a cluster in the last hours. */
export const historyQuery = (clusterId: string, hours: number) =>
  queryOptions({
    queryKey: ['history', clusterId, hours],
    queryFn: ({ signal }) => {
      const from = new Date(Date.now() - hours * 3_600_000).toISOString();
      return ask(getClusterHistory({ path: { id: clusterId }, query: { from, points: 120 }, signal }));
    },
    placeholderData: keepWhile('history', clusterId),
    refetchInterval: sampledMs,
  });
