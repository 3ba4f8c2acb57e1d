/** Clusters, nodes and deployments by what people call them. */
import {
  type Cluster,
  type Deployment,
  type DeploymentArray,
  getArray,
  getCluster,
  getDeployment,
  listArrays,
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

/** What a name on the command line may mean. */
export type Target =
  | { readonly kind: 'deployment'; readonly deployment: Deployment }
  | { readonly kind: 'array'; readonly array: DeploymentArray };

/** One deployment (findTarget says how it is named); of an array one must be named. */
export async function findDeployment(session: Session, wanted: string): Promise<Deployment> {
  const target = await findTarget(session, wanted);
  if (target.kind === 'deployment') return target.deployment;
  const { name, count } = target.array;
  throw new CliError(`"${wanted}" is an array of ${count}: name one of it, as in ${name}[0]`, exitCodes.usage);
}

/**
 * By id, by six or more characters of the end of an id (as lists show them), or by name: then the one that is not over, else the
 * latest. Elements of an array bear its name, which stands for all of it; "name[3]" is one of them. Throws where several are meant.
 */
export async function findTarget(session: Session, wanted: string): Promise<Target> {
  const element = /^(.+)\[(\d+)\]$/.exec(wanted);
  if (element !== null) return findElement(session, element[1] ?? '', Number(element[2]));
  if (idPattern.test(wanted)) return findById(session, wanted);
  const named = await call(
    session,
    listDeployments({ client: session.client, query: { name: wanted, limit: searched } }),
  );
  const exact = named.items.filter((one) => one.name === wanted);
  const open = distinct(exact.filter((one) => active.has(one.status)));
  if (open.length > 1) throw ambiguous(wanted, open);
  const [found] = [...open, ...exact];
  if (found !== undefined) return targetOf(session, found);
  if (shortPattern.test(wanted)) {
    const ending = await endingWith(session, wanted);
    if (ending !== null) return ending;
  }
  throw new CliError(`there is no deployment "${wanted}"`, exitCodes.notFound, ['See them with: hv ps --all']);
}

/** An array counts once. */
function distinct(deployments: readonly Deployment[]): Deployment[] {
  return [...new Map(deployments.map((one) => [one.array?.id ?? one.id, one])).values()];
}

async function targetOf(session: Session, deployment: Deployment): Promise<Target> {
  if (deployment.array === null) return { kind: 'deployment', deployment };
  return { kind: 'array', array: await readArray(session, deployment.array.id) };
}

export function readArray(session: Session, id: string): Promise<DeploymentArray> {
  return call(session, getArray({ client: session.client, path: { id } }));
}

async function findById(session: Session, id: string): Promise<Target> {
  try {
    return {
      kind: 'deployment',
      deployment: await call(session, getDeployment({ client: session.client, path: { id } })),
    };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCodes.notFound) throw error;
    const array = await readArray(session, id).catch(() => null);
    if (array === null) throw error;
    return { kind: 'array', array };
  }
}

async function findElement(session: Session, name: string, index: number): Promise<Target> {
  const target = await findTarget(session, name);
  if (target.kind !== 'array') throw new CliError(`"${name}" is no array: it has no ${index}`, exitCodes.notFound);
  const query = { array_id: target.array.id, array_index: String(index) };
  const { items } = await call(session, listDeployments({ client: session.client, query }));
  const [deployment] = items;
  if (deployment !== undefined) return { kind: 'deployment', deployment };
  throw new CliError(`the array "${name}" has no ${index}`, exitCodes.notFound, [
    `It has 0 to ${target.array.count - 1}, less what was deleted.`,
  ]);
}

/** By the end of an id, of a deployment or an array; null where there is none. */
async function endingWith(session: Session, wanted: string): Promise<Target | null> {
  const all = await call(session, listDeployments({ client: session.client, query: { limit: searched } }));
  const arrays = await call(session, listArrays({ client: session.client, query: { limit: searched } }));
  const targets: Target[] = [
    ...all.items
      .filter(({ id }) => id.endsWith(wanted))
      .map((deployment) => ({ kind: 'deployment', deployment }) as const),
    ...arrays.items.filter(({ id }) => id.endsWith(wanted)).map((array) => ({ kind: 'array', array }) as const),
  ];
  if (targets.length > 1) {
    throw ambiguous(
      wanted,
      all.items.filter(({ id }) => id.endsWith(wanted)),
    );
  }
  return targets[0] ?? null;
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
