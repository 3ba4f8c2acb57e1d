import type { DeploymentCreate } from '../../sdk/index.ts';
import { findCluster } from '../find.ts';
import type { Session } from '../session.ts';

/** The deployments of a file ("-": standard input), as the API takes them. `cluster` is for those that name none. */
export async function deploymentsOfFile(
  session: Session,
  path: string,
  cluster: string | undefined,
): Promise<DeploymentCreate[]> {
  // Only where there is a file: what checks it takes longer to load than all the rest.
  const { loadDeployments } = await import('./load-deployments.ts');
  const loaded = await loadDeployments(path);
  const clusters = new Map<string | undefined, string>();
  const deployments: DeploymentCreate[] = [];
  for (const { cluster: named = cluster, ...deployment } of loaded) {
    const clusterId = clusters.get(named) ?? (await findCluster(session, named)).id;
    clusters.set(named, clusterId);
    deployments.push({ ...deployment, cluster_id: clusterId });
  }
  return deployments;
}
