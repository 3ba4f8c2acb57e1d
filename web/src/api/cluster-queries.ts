/** What the pages of clusters read. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import {
  getPass,
  getTimeline,
  listEngines,
  listMaintenance,
  listNodes,
  listPasses,
  listQueue,
} from '../../../src/sdk/index.ts';
import { ask } from './client.ts';
import { firstPage, keepWhile, nextPage } from './queries.ts';

/** Nodes with who holds what of them. */
export const mapQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['clusters', id, 'map'],
    queryFn: ({ signal, pageParam }) =>
      ask(listNodes({ path: { id }, query: { limit: 200, allocations: 'true', ...pageParam }, signal })),
    initialPageParam: firstPage,
    getNextPageParam: nextPage,
  });

export const maintenanceQuery = (id: string) =>
  queryOptions({
    queryKey: ['clusters', id, 'maintenance'],
    queryFn: ({ signal }) => ask(listMaintenance({ path: { id }, signal })),
  });

export const enginesQuery = queryOptions({
  queryKey: ['engines'],
  queryFn: ({ signal }) => ask(listEngines({ query: { limit: 200 }, signal })),
});

export interface QueueFilter {
  readonly submitted_by?: string;
  readonly name?: string;
}

const queuePageSize = 100;

/**
 * The queue, page by page. It is not under the key of its cluster: whoever has scrolled far down has many pages, and not all of them
 * are asked for again with every event.
 */
export const queueQuery = (id: string, filter: QueueFilter) =>
  infiniteQueryOptions({
    queryKey: ['queue', id, filter],
    queryFn: ({ signal, pageParam }) =>
      ask(listQueue({ path: { id }, query: { limit: queuePageSize, ...filter, ...pageParam }, signal })),
    placeholderData: keepWhile('queue', id),
    initialPageParam: firstPage,
    getNextPageParam: nextPage,
  });

export const passesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['clusters', id, 'passes'],
    queryFn: ({ signal, pageParam }) => ask(listPasses({ path: { id }, query: { limit: 100, ...pageParam }, signal })),
    initialPageParam: firstPage,
    getNextPageParam: nextPage,
  });

/** A pass is written once. */
export const passQuery = (id: string) =>
  queryOptions({
    queryKey: ['passes', id],
    queryFn: ({ signal }) => ask(getPass({ path: { id }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const timelineQuery = (id: string, from: number, to: number) =>
  queryOptions({
    queryKey: ['clusters', id, 'timeline', from, to],
    queryFn: ({ signal }) =>
      ask(
        getTimeline({
          path: { id },
          query: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
          signal,
        }),
      ),
    placeholderData: keepWhile('clusters', id, 'timeline'),
  });
