/**
 * What the pages read. Each answer is kept under a key that begins with what it is of; live.tsx asks again for those that an event
 * is about.
 */
import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query';
import {
  getCluster,
  getDeployment,
  getMe,
  listClusters,
  listDeploymentEvents,
  listDeployments,
  listEvents,
  listMembers,
} from '../../../src/sdk/index.ts';
import type { ListDeploymentsData, ListEventsData } from '../../../src/sdk/types.gen.ts';
import { ApiProblem, ask } from './client.ts';

const triesMax = 3;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Events say when something has changed; this is for what was missed.
        staleTime: 10_000,
        retry: (failures, error) =>
          failures < triesMax && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
      },
    },
  });
}

interface Keyed {
  readonly queryKey: readonly unknown[];
}

/**
 * What was shown stays while the same list is loaded with another filter or of another time: of the same things, which the beginning of its
 * key names. Whatever has an address of its own is never shown under that of another.
 */
export function keepWhile(...beginning: readonly string[]) {
  return <Data>(previous: Data | undefined, of: Keyed | undefined): Data | undefined =>
    beginning.every((part, index) => of?.queryKey[index] === part) ? previous : undefined;
}

/** Of a list; the next ones have a cursor. */
export const firstPage: { readonly cursor?: string } = {};

export const meQuery = queryOptions({ queryKey: ['me'], queryFn: () => ask(getMe()), staleTime: 60_000 });

const pageLimit = 200;
/** More than anybody looks through. */
export const clustersMax = 1000;

/** All clusters, as far as they fit a choice; `next_cursor` tells that there are more. */
export const clustersQuery = queryOptions({
  queryKey: ['clusters'],
  async queryFn({ signal }) {
    let page = await ask(listClusters({ query: { limit: pageLimit }, signal }));
    const items = [...page.items];
    while (page.next_cursor !== null && items.length < clustersMax) {
      page = await ask(listClusters({ query: { limit: pageLimit, cursor: page.next_cursor }, signal }));
      items.push(...page.items);
    }
    return { items, next_cursor: page.next_cursor };
  },
});

export const clusterQuery = (id: string) =>
  queryOptions({ queryKey: ['clusters', id], queryFn: ({ signal }) => ask(getCluster({ path: { id }, signal })) });

export type DeploymentFilter = Omit<NonNullable<ListDeploymentsData['query']>, 'limit' | 'cursor'>;

export const deploymentsQuery = (filter: DeploymentFilter) =>
  infiniteQueryOptions({
    queryKey: ['deployments', 'list', filter],
    queryFn: ({ signal, pageParam }) =>
      ask(listDeployments({ query: { limit: 100, ...filter, ...pageParam }, signal })),
    placeholderData: keepWhile('deployments', 'list'),
    initialPageParam: firstPage,
    getNextPageParam: nextPage,
  });

export const deploymentQuery = (id: string) =>
  queryOptions({
    queryKey: ['deployments', id],
    queryFn: ({ signal }) => ask(getDeployment({ path: { id }, signal })),
  });

export const deploymentEventsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['deployments', id, 'events'],
    queryFn: ({ signal, pageParam }) =>
      ask(listDeploymentEvents({ path: { id }, query: { limit: 100, order: 'desc', ...pageParam }, signal })),
    initialPageParam: firstPage,
    getNextPageParam: nextPage,
  });

export const eventsQuery = (filter: Omit<NonNullable<ListEventsData['query']>, 'limit' | 'cursor'>) =>
  infiniteQueryOptions({
    queryKey: ['events', filter],
    queryFn: ({ signal, pageParam }) =>
      ask(listEvents({ query: { limit: 100, order: 'desc', ...filter, ...pageParam }, signal })),
    placeholderData: keepWhile('events'),
    initialPageParam: firstPage,
    getNextPageParam: nextPage,
  });

export const membersQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['people', 'members', organizationId],
    queryFn: ({ signal }) => ask(listMembers({ path: { id: organizationId }, query: { limit: 200 }, signal })),
    staleTime: 60_000,
  });

export function nextPage({ next_cursor }: { readonly next_cursor: string | null }): { cursor: string } | undefined {
  return next_cursor === null ? undefined : { cursor: next_cursor };
}
