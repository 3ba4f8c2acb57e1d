/** What the pages of people and of the account read. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import {
  getDeployment,
  listInvites,
  listMembers,
  listRegistryCredentials,
  listSecrets,
  listSessions,
  listTokens,
  listVolumes,
  listWebhookDeliveries,
  listWebhooks,
} from '../../../src/sdk/index.ts';
import type { WebhookDelivery } from '../../../src/sdk/types.gen.ts';
import { ApiProblem, ask } from './client.ts';
import { firstPage, keepWhile, nextPage } from './queries.ts';

const limit = 100;
const paged = { initialPageParam: firstPage, getNextPageParam: nextPage };

export const membersList = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['people', 'members', 'list', id],
    queryFn: ({ signal, pageParam }) => ask(listMembers({ path: { id }, query: { limit, ...pageParam }, signal })),
    ...paged,
  });

export const invitesList = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['people', 'invites', id],
    queryFn: ({ signal, pageParam }) => ask(listInvites({ path: { id }, query: { limit, ...pageParam }, signal })),
    ...paged,
  });

export const tokensList = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['people', 'tokens', id],
    queryFn: ({ signal, pageParam }) => ask(listTokens({ path: { id }, query: { limit, ...pageParam }, signal })),
    ...paged,
  });

export const secretsList = infiniteQueryOptions({
  queryKey: ['people', 'secrets'],
  queryFn: ({ signal, pageParam }) => ask(listSecrets({ query: { limit, ...pageParam }, signal })),
  ...paged,
});

export const registriesList = infiniteQueryOptions({
  queryKey: ['people', 'registries'],
  queryFn: ({ signal, pageParam }) => ask(listRegistryCredentials({ query: { limit, ...pageParam }, signal })),
  ...paged,
});

export const volumesList = infiniteQueryOptions({
  queryKey: ['people', 'volumes'],
  queryFn: ({ signal, pageParam }) => ask(listVolumes({ query: { limit, ...pageParam }, signal })),
  ...paged,
});

export const webhooksList = infiniteQueryOptions({
  queryKey: ['people', 'webhooks'],
  queryFn: ({ signal, pageParam }) => ask(listWebhooks({ query: { limit, ...pageParam }, signal })),
  ...paged,
});

/** No event tells of a delivery: it is looked at again while somebody looks. */
const deliveriesEveryMs = 3_000;

export const deliveriesList = (id: string, status: WebhookDelivery['status'] | undefined) =>
  infiniteQueryOptions({
    queryKey: ['people', 'webhooks', id, 'deliveries', status],
    queryFn: ({ signal, pageParam }) =>
      ask(
        listWebhookDeliveries({
          path: { id },
          query: { limit: 50, ...(status !== undefined && { status }), ...pageParam },
          signal,
        }),
      ),
    placeholderData: keepWhile('people', 'webhooks', id, 'deliveries'),
    refetchInterval: deliveriesEveryMs,
    ...paged,
  });

/** The name of a deployment, for an event of it; null where it was deleted. It is asked for once: names do not change. */
export const deploymentNameQuery = (id: string) =>
  queryOptions({
    queryKey: ['deployment-names', id],
    async queryFn({ signal }) {
      try {
        return (await ask(getDeployment({ path: { id }, signal }))).name;
      } catch (error) {
        if (error instanceof ApiProblem && error.status === 404) return null;
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Null where the server does not tell. */
export const sessionsQuery = queryOptions({
  queryKey: ['me', 'sessions'],
  async queryFn({ signal }) {
    try {
      return (await ask(listSessions({ signal }))).items;
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return null;
      throw error;
    }
  },
});
