/** Refuses what the cluster could never hold, before it waits in the queue for ever. */
import type { CapacityShortfall } from '../core/capacity.ts';
import type { Request } from '../core/model.ts';
import { fromThousandths, toThousandths } from '../store/amounts.ts';
import { boundToEngines } from '../store/bound-to-engines.ts';
import type { Scope } from '../store/scope.ts';
import type { NewDeployment } from '../store/submit.ts';
import type { ClusterCapacities } from '../store/submit-capacity.ts';
import type { UsedVolumes } from '../store/volumes.ts';
import { ApiError, type FieldError, notFound } from './errors.ts';

type Verdict = CapacityShortfall | null;

/** What a deployment asks of its cluster. */
export type AskedFor = Pick<
  NewDeployment,
  | 'clusterId'
  | 'ram'
  | 'cpu'
  | 'gpu'
  | 'gpuModels'
  | 'gpuMemory'
  | 'nodeLabels'
  | 'maxPerNode'
  | 'replicas'
  | 'ports'
  | 'volumes'
>;

interface Asking {
  readonly scope: Scope;
  readonly deployments: readonly AskedFor[];
  /** Those that they name. */
  readonly volumes: UsedVolumes;
}

/** The refusal, or null where everything could be held by the cluster, empty. One refused deployment refuses its batch. */
export async function refuseWhatNeverFits(
  capacities: ClusterCapacities,
  submission: Asking,
  fieldOf: (index: number, field: string) => string,
): Promise<ApiError | null> {
  const errors: FieldError[] = [];
  for (const [index, deployment] of submission.deployments.entries()) {
    const error = await whyItNeverFits(capacities, submission, deployment, (field) => fieldOf(index, field));
    if (error === 'unknown_cluster') return notFound('cluster');
    if (error !== null) errors.push(error);
  }
  return errors.length === 0 ? null : neverFits(errors);
}

/** Null where the cluster, empty, could hold it. */
async function whyItNeverFits(
  capacities: ClusterCapacities,
  { scope, volumes }: Asking,
  deployment: AskedFor,
  fieldOf: (field: string) => string,
): Promise<FieldError | 'unknown_cluster' | null> {
  const request = requestOf(deployment, volumes);
  const verdict = await judge(capacities, scope, deployment, request);
  if (verdict === null || verdict === 'unknown_cluster') return verdict;
  return describe(verdict, deployment, request, fieldOf);
}

function neverFits(errors: readonly FieldError[]): ApiError {
  const detail = errors.slice(0, 3).map(({ field, message }) => `\`${field}\` ${message}`);
  const more = errors.length > detail.length ? `; and ${errors.length - detail.length} more` : '';
  return new ApiError('never_fits', `${detail.join('; ')}${more}.`, { errors });
}

async function judge(
  capacities: ClusterCapacities,
  scope: Scope,
  deployment: AskedFor,
  request: Request,
): Promise<Verdict | 'unknown_cluster'> {
  const remembered = await capacities.empty(scope, deployment.clusterId);
  if (remembered !== null && remembered.verdict(request) === null) return null;
  // What is remembered may be a second old: the cluster or a node may have been added since.
  const cluster = await capacities.empty(scope, deployment.clusterId, { fresh: true });
  return cluster === null ? 'unknown_cluster' : cluster.verdict(request);
}

/** What the scheduler reads of it. */
export function requestOf(deployment: AskedFor, volumes: UsedVolumes): Request {
  const { ram, cpu, gpu, replicas, gpuModels, gpuMemory, nodeLabels, maxPerNode, ports } = deployment;
  const hostPorts = ports.flatMap(({ host, protocol }) => (host === null ? [] : [`${protocol}/${host}`]));
  const request = {
    perReplica: { ram: toThousandths(ram), cpu: toThousandths(cpu), gpu: toThousandths(gpu) },
    replicas,
    gpuModels,
    gpuMemory: toThousandths(gpuMemory),
    nodeLabels,
    maxPerNode: maxPerNode ?? 0,
    hostPorts,
  };
  return boundToEngines(request, deployment.volumes, volumes.get(deployment.clusterId) ?? new Map());
}

function describe(
  verdict: CapacityShortfall,
  deployment: AskedFor,
  { volumesOn }: Request,
  fieldOf: (field: string) => string,
): FieldError {
  const { dimension } = verdict;
  // The user asked for none: it is the engine of the volumes that the cluster has no node on.
  const isForVolumes = dimension === 'node_labels' && Object.keys(deployment.nodeLabels).length === 0;
  return {
    field: fieldOf(isForVolumes ? 'volumes' : fields[dimension]),
    message: messageOf(verdict, deployment, volumesOn),
  };
}

function messageOf(
  { dimension, requested, most }: CapacityShortfall,
  deployment: AskedFor,
  volumesOn: string | undefined,
): string {
  const labels = labelsInWords(deployment.nodeLabels);
  const there = volumesOn === undefined ? '' : ` on ${volumesOn} (where its volumes are)`;
  const cluster = volumesOn === undefined ? 'the whole cluster' : `what the cluster has${there}`;
  switch (dimension) {
    case 'node_labels':
      if (labels === '') return `are on ${volumesOn}, and the cluster has no node there`;
      return `asks for a node with ${labels}${there}, and none has ${Object.keys(deployment.nodeLabels).length > 1 ? 'all of these' : 'this'}`;
    case 'replicas':
      return `asks for ${requested} replicas at once, and ${cluster}, empty, holds ${most}`;
    case 'max_per_node':
      return `lets at most ${deployment.maxPerNode} of the ${requested} replicas share a node, and ${cluster}, empty, holds ${most} so`;
    case 'host_ports':
      return `has a fixed host port, which only one replica on a machine can have: ${requested} replicas need as many machines, and the cluster has ${most} that could hold one${there}; leave \`host\` out to have a free port picked`;
    case 'gpu_memory':
      return `asks for GPU devices of ${fromThousandths(requested)} GB each, and the most that one node${there} could give it is ${fromThousandths(most)} GB`;
    default: {
      const [asked, given] = [fromThousandths(requested), fromThousandths(most)];
      const among = `one node${labels === '' ? '' : ` with ${labels}`}${there}`;
      return `asks for ${asked} ${units[dimension]}, and the most that ${among} could give it is ${given} ${units[dimension]}`;
    }
  }
}

/** "zone=a, disk=ssd". */
function labelsInWords(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.join(', ');
}

const fields = {
  ram: 'ram_required',
  cpu: 'cpu_required',
  gpu: 'gpu_required',
  gpu_models: 'gpu_models',
  gpu_memory: 'gpu_memory_required',
  node_labels: 'node_labels',
  max_per_node: 'max_per_node',
  replicas: 'replicas',
  host_ports: 'ports',
} as const satisfies Record<CapacityShortfall['dimension'], string>;

const units = {
  ram: 'GB',
  cpu: 'cores',
  gpu: 'GPU devices',
  gpu_models: 'GPU devices of these models',
} as const;
