/** Refuses what the cluster could never hold, before it waits in the queue for ever. */
import { type CapacityShortfall, capacityVerdict } from '../core/capacity.ts';
import type { Node, Request } from '../core/model.ts';
import { fromThousandths, toThousandths } from '../store/amounts.ts';
import type { Scope } from '../store/scope.ts';
import type { NewDeployment, Submission } from '../store/submit.ts';
import type { ClusterCapacities } from '../store/submit-capacity.ts';
import { ApiError, type FieldError, notFound } from './errors.ts';

type Verdict = CapacityShortfall | null;

/** The refusal, or null where everything could be held by the cluster, empty. One refused deployment refuses its batch. */
export async function refuseWhatNeverFits(
  capacities: ClusterCapacities,
  submission: Submission,
  fieldOf: (index: number, field: string) => string,
): Promise<ApiError | null> {
  const errors: FieldError[] = [];
  for (const [index, deployment] of submission.deployments.entries()) {
    const verdict = await judge(capacities, submission.scope, deployment);
    if (verdict === 'unknown_cluster') return notFound('cluster');
    if (verdict !== null) errors.push(describe(verdict, (field) => fieldOf(index, field)));
  }
  if (errors.length === 0) return null;
  const detail = errors.slice(0, 3).map(({ field, message }) => `\`${field}\` ${message}`);
  const more = errors.length > detail.length ? `; and ${errors.length - detail.length} more` : '';
  return new ApiError('never_fits', `${detail.join('; ')}${more}.`, { errors });
}

async function judge(
  capacities: ClusterCapacities,
  scope: Scope,
  deployment: NewDeployment,
): Promise<Verdict | 'unknown_cluster'> {
  const remembered = await capacities.emptyNodes(scope, deployment.clusterId);
  if (remembered !== null && verdictOf(deployment, remembered) === null) return null;
  // What is remembered may be a second old: the cluster or a node may have been added since.
  const nodes = await capacities.emptyNodes(scope, deployment.clusterId, { fresh: true });
  return nodes === null ? 'unknown_cluster' : verdictOf(deployment, nodes);
}

/** Equal requests are judged once for each reading of the nodes: real submissions hold few distinct ones. */
const known = new WeakMap<readonly Node[], Map<string, Verdict>>();

function verdictOf({ ram, cpu, gpu, replicas, gpuModels }: NewDeployment, nodes: readonly Node[]): Verdict {
  const verdicts = known.get(nodes) ?? new Map<string, Verdict>();
  known.set(nodes, verdicts);
  const key = JSON.stringify([ram, cpu, gpu, replicas, gpuModels]);
  const before = verdicts.get(key);
  if (before !== undefined) return before;
  const perReplica = { ram: toThousandths(ram), cpu: toThousandths(cpu), gpu: toThousandths(gpu) };
  const request: Request = { perReplica, replicas, gpuModels };
  const verdict = capacityVerdict(request, nodes);
  verdicts.set(key, verdict);
  return verdict;
}

function describe({ dimension, requested, most }: CapacityShortfall, fieldOf: (field: string) => string): FieldError {
  const field = fieldOf(fields[dimension]);
  if (dimension === 'replicas') {
    return { field, message: `asks for ${requested} replicas at once, and the whole cluster, empty, holds ${most}` };
  }
  const unit = units[dimension];
  const [asked, there] = [fromThousandths(requested), fromThousandths(most)];
  return { field, message: `asks for ${asked} ${unit}, and the most that one node could give it is ${there} ${unit}` };
}

const fields = {
  ram: 'ram_required',
  cpu: 'cpu_required',
  gpu: 'gpu_required',
  gpu_models: 'gpu_models',
  replicas: 'replicas',
} as const satisfies Record<CapacityShortfall['dimension'], string>;

const units = {
  ram: 'GB',
  cpu: 'cores',
  gpu: 'GPU devices',
  gpu_models: 'GPU devices of these models',
} as const;
