/** Refuses what the cluster could never hold, before it waits in the queue for ever. */
import type { Dimension, Node, Request } from '../core/model.ts';
import { fromThousandths, toThousandths } from '../store/amounts.ts';
import type { NewDeployment, Submission } from '../store/submit.ts';
import type { ClusterCapacities } from '../store/submit-capacity.ts';
import { type CapacityVerdict, capacityVerdict } from './core-provisional.ts';
import { ApiError, type FieldError, notFound } from './errors.ts';

const units: Readonly<Record<Dimension, string>> = { ram: 'GB', cpu: 'cores', gpu: 'GPU devices' };

/** The refusal, or null where everything could be held by the cluster, empty. One refused deployment refuses its batch. */
export async function refuseWhatNeverFits(
  capacities: ClusterCapacities,
  submission: Submission,
  fieldOf: (index: number, field: string) => string,
): Promise<ApiError | null> {
  const verdicts = new Verdicts(capacities, submission);
  const errors: FieldError[] = [];
  for (const [index, deployment] of submission.deployments.entries()) {
    const verdict = await verdicts.of(deployment);
    if (verdict === 'unknown_cluster') return notFound('cluster');
    if (verdict !== null) errors.push(errorOf(verdict, (field) => fieldOf(index, field)));
  }
  if (errors.length === 0) return null;
  const detail = errors.slice(0, 3).map(({ field, message }) => `\`${field}\` ${message}`);
  return new ApiError('never_fits', `${detail.join('; ')}.`, { errors });
}

/** Verdicts of one submission: equal requests of a batch are judged once. */
class Verdicts {
  readonly #capacities: ClusterCapacities;
  readonly #submission: Submission;
  readonly #known = new Map<string, CapacityVerdict | null | 'unknown_cluster'>();

  constructor(capacities: ClusterCapacities, submission: Submission) {
    this.#capacities = capacities;
    this.#submission = submission;
  }

  async of(deployment: NewDeployment): Promise<CapacityVerdict | null | 'unknown_cluster'> {
    const { clusterId, ram, cpu, gpu, replicas, gpuModels } = deployment;
    const key = JSON.stringify([clusterId, ram, cpu, gpu, replicas, gpuModels]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const verdict = await this.#judge(deployment);
    this.#known.set(key, verdict);
    return verdict;
  }

  async #judge(deployment: NewDeployment): Promise<CapacityVerdict | null | 'unknown_cluster'> {
    const { scope } = this.#submission;
    const request = requestOf(deployment);
    const remembered = await this.#capacities.emptyNodes(scope, deployment.clusterId);
    const verdict = remembered === null ? 'unknown_cluster' : capacityVerdict(request, remembered);
    if (verdict === null) return null;
    // What is remembered may be a second old: a node may have been added since.
    const nodes: readonly Node[] | null = await this.#capacities.emptyNodes(scope, deployment.clusterId, {
      fresh: true,
    });
    return nodes === null ? 'unknown_cluster' : capacityVerdict(request, nodes);
  }
}

function requestOf({ ram, cpu, gpu, replicas, gpuModels }: NewDeployment): Request {
  const perReplica = { ram: toThousandths(ram), cpu: toThousandths(cpu), gpu: toThousandths(gpu) };
  return { perReplica, replicas, gpuModels };
}

function errorOf(verdict: CapacityVerdict, fieldOf: (field: string) => string): FieldError {
  const unit = units[verdict.dimension];
  return {
    field: fieldOf(`${verdict.dimension}_required`),
    message: `asks for ${fromThousandths(verdict.requested)} ${unit}, and the most there is on one node is ${fromThousandths(verdict.most)}`,
  };
}
