/** Why a deployment waits, in a sentence for people. */
import { isEngineLabel } from './engine-label.ts';
import { type Dimension, dimensions, type Request, type Wait, type WaitReason } from './model.ts';

/** What people call a deployment; null where the one who asks must not know. */
export type NameOf = (deploymentId: string) => string | null;

/** "needs 2 GPUs, 1 is free on node a (1 short)". */
export function explainWait(wait: Wait, request: Request, nameOf: NameOf): string {
  const kept = wait.reservation === null ? '' : '; it has waited long, so room is being kept for it';
  return `${sentences[wait.reason](wait, request, nameOf)}${kept}`;
}

const sentences: Readonly<Record<WaitReason, (wait: Wait, request: Request, nameOf: NameOf) => string>> = {
  pass_full: () => 'it fits; one pass admits only so many, the next one takes it',
  preempting: () => 'others are being stopped for it; it starts when they are gone',
  held_by_reservation: () => 'it would fit, but what is free is being kept for one that has waited longer',
  port_taken: (wait, _request, nameOf) => portInWords(wait, nameOf),
  maintenance: () =>
    'it would fit, but it would still run when maintenance begins: a shorter time limit may let it start before, or it starts after',
  level_chose_larger_set: (wait, request) =>
    `of its priority, others run instead, more in number or sooner done: ${needs(wait, request, 'free')}`,
  insufficient_resources: (wait, request) => needs(wait, request, 'free'),
  fragmented: (wait, request) => `enough is free in sum, but not in one place: ${needs(wait, request, 'free')}`,
  no_schedulable_node: () => 'every node that could hold it is cordoned or does not answer',
  never_fits: (wait, request) =>
    nodesMissing(wait, request) ?? `the cluster is too small for it: ${needs(wait, request, 'all there is')}`,
};

function portInWords({ portTaken }: Wait, nameOf: NameOf): string {
  if (portTaken === undefined) return 'a host port that it needs is taken';
  const [protocol = '', port = ''] = portTaken.port.split('/');
  const name = nameOf(portTaken.deploymentId);
  const who = name === null ? 'a deployment of another organization' : name;
  return `the host port ${port} (${protocol}) that it needs is taken by ${who}`;
}

function needs(wait: Wait, request: Request, free: string): string {
  const short = dimensions.filter((dimension) => wait.shortfall[dimension] > 0);
  const lacks = short.map((dimension) => lackInWords(wait, request, dimension, free)).join('; ');
  const among = amongNodes(request);
  if (request.replicas === 1) return lacks === '' ? `no node has room${among}` : `${lacks}${among}`;
  // More than it needs would fit where only so many of them may share a node.
  const fitting = wait.replicasFitting < request.replicas ? `, ${wait.replicasFitting} would fit` : '';
  const gang = `needs ${request.replicas} replicas at once${apart(request)}${fitting}${among}`;
  return lacks === '' ? gang : `${gang}; each ${lacks}`;
}

/** No node that would do, even if all were empty and open: where there is one, it is the nearest. */
function nodesMissing({ nearestNode }: Wait, request: Request): string | null {
  if (nearestNode !== null || request.volumesOn === undefined) return null;
  const labels = labelsInWords(request);
  return `its volumes are on ${request.volumesOn}, and the cluster has no node there${labels === '' ? '' : ` with ${labels}`}`;
}

function amongNodes(request: Request): string {
  const labels = labelsInWords(request);
  const having = labels === '' ? '' : ` with ${labels}`;
  const there = request.volumesOn === undefined ? '' : ` on ${request.volumesOn} (where its volumes are)`;
  return having === '' && there === '' ? '' : `, of the nodes${having}${there}`;
}

/** Those that its user asked for. */
function labelsInWords({ nodeLabels = {} }: Request): string {
  return Object.entries(nodeLabels)
    .filter(([name]) => !isEngineLabel(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function apart({ maxPerNode = 0 }: Request): string {
  if (maxPerNode === 0) return '';
  return maxPerNode === 1 ? ', each on a node of its own' : `, at most ${maxPerNode} on a node`;
}

function lackInWords(wait: Wait, request: Request, dimension: Dimension, free: string): string {
  const requested = request.perReplica[dimension];
  const lack = wait.shortfall[dimension];
  const there = requested - lack;
  const where = wait.nearestNode === null ? '' : ` on node ${wait.nearestNode}`;
  return `needs ${units[dimension](requested)}${dimension === 'gpu' ? ofWhat(request) : ''}, ${amount(there)} ${there > 1000 ? 'are' : 'is'} ${free}${where} (${amount(lack)} short)`;
}

/** Which devices will do, where not every one does. */
function ofWhat({ gpuModels, gpuMemory = 0 }: Request): string {
  const models = gpuModels.length === 0 ? '' : ` (${gpuModels.join(' or ')})`;
  return gpuMemory === 0 ? models : `${models} with ${amount(gpuMemory)} GB each`;
}

const units: Readonly<Record<Dimension, (thousandths: number) => string>> = {
  ram: (thousandths) => `${amount(thousandths)} GB of RAM`,
  cpu: (thousandths) => `${amount(thousandths)} ${thousandths <= 1000 ? 'core' : 'cores'}`,
  gpu: (thousandths) => `${amount(thousandths)} ${thousandths <= 1000 ? 'GPU' : 'GPUs'}`,
};

function amount(thousandths: number): string {
  return String(thousandths / 1000);
}
