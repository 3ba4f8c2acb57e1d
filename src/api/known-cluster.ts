import { clusterExists } from '../store/cluster-row.ts';
import type { Scope } from '../store/scope.ts';
import { pathId } from './auth.ts';
import type { RouteDeps } from './context.ts';
import { notFound } from './errors.ts';

/** The id of a cluster of this organization; 404 where it has no such one. */
export async function knownCluster({ db }: Pick<RouteDeps, 'db'>, scope: Scope, id: string): Promise<string> {
  const clusterId = pathId(id, 'cluster');
  if (!(await clusterExists(db, scope, clusterId))) throw notFound('cluster');
  return clusterId;
}
