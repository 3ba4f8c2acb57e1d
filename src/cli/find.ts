/** Clusters, nodes and deployments by what people call them. */
import {
  type Cluster,
  type Deployment,
  getCluster,
  getDeployment,
  listClusters,
  listDeployments,
  listNodes,
  listOrganizations,
  type Node,
  type Organization,
} from '../sdk/index.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { call, type Session } from './session.ts';

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const shortPattern = /^[0-9a-f]{6,12}$/;
/** How many of the newest are looked through for a name. */
const searched = 1000;

/** By name or id; without either, the context's cluster, or the only one that there is. */
export async function findCluster(session: Session, wanted: string | undefined): Promise<Cluster> {
  const name = wanted ?? session.defaultCluster;
  if (name !== null && idPattern.test(name))
    return call(session, getCluster({ client: session.client, path: { id: name } }));
  const { items } = await call(session, listClusters({ client: session.client, query: { limit: searched } }));
  if (name === null) return onlyOne(items);
  const found = items.find((cluster) => cluster.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw new CliError(`there is no cluster "${name}"`, exitCodes.notFound, [namesOf(items)]);
}

function onlyOne(clusters: readonly Cluster[]): Cluster {
  const [first, second] = clusters;
  if (first === undefined)
    throw new CliError('there is no cluster yet', exitCodes.notFound, ['Make one with: hv cluster create']);
  if (second !== undefined)
    throw new CliError('there are several clusters: name one with --cluster', exitCodes.usage, [namesOf(clusters)]);
  return first;
}

function namesOf(clusters: readonly Cluster[]): string {
  return clusters.length === 0
    ? 'There is none yet.'
    : `There are: ${clusters.map((cluster) => cluster.name).join(', ')}`;
}

const active = new Set(['queued', 'starting', 'running', 'stopping']);

/**
 * By id, by six or more characters of the end of an id (as lists show them), or by name: then the one that is not over, else the
 * latest. Throws where several are meant.
 */
export async function findDeployment(session: Session, wanted: string): Promise<Deployment> {
  if (idPattern.test(wanted)) return call(session, getDeployment({ client: session.client, path: { id: wanted } }));
  const named = await call(
    session,
    listDeployments({ client: session.client, query: { name: wanted, limit: searched } }),
  );
  const exact = named.items.filter((one) => one.name === wanted);
  const open = exact.filter((one) => active.has(one.status));
  if (open.length > 1) throw ambiguous(wanted, open);
  const [found] = [...open, ...exact];
  if (found !== undefined) return found;
  if (shortPattern.test(wanted)) {
    const all = await call(session, listDeployments({ client: session.client, query: { limit: searched } }));
    const ending = all.items.filter((one) => one.id.endsWith(wanted));
    if (ending.length > 1) throw ambiguous(wanted, ending);
    if (ending[0] !== undefined) return ending[0];
  }
  throw new CliError(`there is no deployment "${wanted}"`, exitCodes.notFound, ['See them with: hv ps --all']);
}

function ambiguous(wanted: string, found: readonly Deployment[]): CliError {
  return new CliError(
    `"${wanted}" may be one of several: name it by its id`,
    exitCodes.usage,
    found.slice(0, 10).map((one) => `${one.id}  ${one.name}  ${one.status}`),
  );
}

/** By name or id; without either, the one in use. */
export async function findOrganization(
  session: Session,
  wanted: string | undefined,
  inUse: string | null,
): Promise<Organization> {
  const { items } = await call(session, listOrganizations({ client: session.client, query: { limit: searched } }));
  const found = items.find((one) => one.id === (wanted ?? inUse) || one.name === wanted);
  if (found !== undefined) return found;
  if (wanted === undefined)
    throw new CliError('no organization is in use', exitCodes.conflict, ['Make one with: hv org create NAME']);
  throw new CliError(`you are in no organization "${wanted}"`, exitCodes.notFound, ['See them with: hv org list']);
}

export async function nodesOf(session: Session, cluster: Cluster): Promise<Node[]> {
  const page = await call(
    session,
    listNodes({ client: session.client, path: { id: cluster.id }, query: { limit: 1000 } }),
  );
  return page.items;
}

export async function nodePath(session: Session, cluster: string | undefined, name: string) {
  const found = await findCluster(session, cluster);
  const nodes = await nodesOf(session, found);
  const node = nodes.find((one) => one.name === name || one.id === name);
  if (node === undefined) {
    throw new CliError(`${found.name} has no node "${name}"`, exitCodes.notFound, [
      `There are: ${nodes.map((one) => one.name).join(', ')}`,
    ]);
  }
  return { id: found.id, node_id: node.id };
}
