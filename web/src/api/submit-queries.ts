/** What the form of a submission reads. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { listNodes, listSecrets, listVolumes, planDeployments } from '../../../src/sdk/index.ts';
import type { DeploymentPlan } from '../../../src/sdk/types.gen.ts';
import { ask } from './client.ts';

/** A plan grows old by itself: others submit, and what runs ends. */
const planEveryMs = 10_000;

export const planQuery = (body: DeploymentPlan) =>
  queryOptions({
    queryKey: ['plan', body],
    queryFn: ({ signal }) => ask(planDeployments({ body, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: planEveryMs,
    staleTime: 1_000,
    gcTime: 30_000,
    retry: false,
  });

export const secretChoicesQuery = queryOptions({
  queryKey: ['people', 'secrets', 'choices'],
  queryFn: ({ signal }) => ask(listSecrets({ query: { limit: 200 }, signal })),
});

export const volumeChoicesQuery = (clusterId: string) =>
  queryOptions({
    queryKey: ['people', 'volumes', 'choices', clusterId],
    queryFn: ({ signal }) => ask(listVolumes({ query: { limit: 200, cluster_id: clusterId }, signal })),
  });

/** The models of GPUs that the nodes of a cluster have. */
export const gpuModelsQuery = (clusterId: string) =>
  queryOptions({
    queryKey: ['clusters', clusterId, 'gpu-models'],
    queryFn: async ({ signal }) => {
      const { items } = await ask(listNodes({ path: { id: clusterId }, query: { limit: 200 }, signal }));
      return [...new Set(items.flatMap(({ gpus }) => gpus.map(({ model }) => model)))].toSorted();
    },
    staleTime: 60_000,
  });
