/** What a trace typically asks for: what free room is worth is judged by it. */
import type { Request } from '../core/model.ts';
import type { Trace } from './trace.ts';

/** The most frequent requests of a trace, and how frequent each is among them; the shares add up to 1. */
export type Typical = readonly { readonly request: Request; readonly share: number }[];

/** Beyond so many kinds of requests, the rarer ones say little and cost as much. */
const mostKinds = 16;

export function typicalRequests(
  { deployments }: Pick<Trace, 'deployments'>,
  isWanted: (request: Request) => boolean,
): Typical {
  const kinds = new Map<string, { readonly request: Request; count: number }>();
  for (const { request } of deployments) {
    if (!isWanted(request)) continue;
    const { perReplica, gpuModels, gpuMemory, nodeLabels, replicas } = request;
    const key = JSON.stringify([perReplica, gpuModels, gpuMemory, nodeLabels]);
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { request, count: replicas });
    else known.count += replicas;
  }
  const most = [...kinds.values()].toSorted((a, b) => b.count - a.count).slice(0, mostKinds);
  const total = most.reduce((sum, { count }) => sum + count, 0);
  return most.map(({ request, count }) => ({ request, share: count / total }));
}
