/** From the bodies that make clusters and nodes to what the store writes; with the checks that a schema cannot say. */
import type { z } from 'zod';
import { toThousandths } from '../store/amounts.ts';
import type { PolicyChange } from '../store/clusters.ts';
import type { NewDevice, NewNode } from '../store/nodes.ts';
import { type FieldError, invalidFields } from './errors.ts';
import type { ClusterCreate, NodeCreate, PolicyUpdate } from './schemas/clusters.ts';

type ClusterBody = z.infer<typeof ClusterCreate>;
type NodeBody = z.infer<typeof NodeCreate>;

/** As much as a cluster's row can hold in one dimension (numeric(12, 3)), in thousandths. */
const sumMax = 999_999_999_999;

/**
 * The nodes that the body describes, in one of its two forms: sums for a single node, or node by node; `complete` adds what an engine
 * of a node says.
 */
export async function nodesOfCluster(
  body: ClusterBody,
  complete: (nodes: readonly NodeBody[]) => Promise<NewNode[]>,
): Promise<NewNode[]> {
  if (body.nodes === undefined) return [singleNode(body)];
  const wrong = body.nodes.flatMap((node, index) => wrongAmounts(node, `nodes.${index}.`));
  const errors = [...sumsBesideNodes(body), ...repeatedNames(body.nodes), ...wrong];
  if (errors.length > 0) throw invalidFields(errors);
  const nodes = await complete(body.nodes);
  checkSums(nodes);
  return nodes;
}

/** One node from its body; ram or cpu of 0 make no sense on a node. `prefix` is that of its fields in the request. */
export function nodeOfRequest(body: NodeBody, prefix = ''): NewNode {
  const errors = wrongAmounts(body, prefix);
  if (errors.length > 0) throw invalidFields(errors);
  return nodeOfBody(body);
}

export function changeOfPolicy(policy: z.infer<typeof PolicyUpdate> | undefined): PolicyChange {
  return {
    agingIntervalSeconds: policy?.aging_interval_s,
    reservationAfterSeconds: policy?.reservation_after_s,
    preemption: policy?.preemption?.enabled,
    preemptionMinRunTimeSeconds: policy?.preemption?.min_run_time_s,
    backfill: policy?.backfill,
    lostAfterSeconds: policy?.lost_after_s,
    retentionSeconds: policy?.retention_s,
  };
}

function singleNode(body: ClusterBody): NewNode {
  const { ram, cpu, gpu } = body;
  const errors = [...missing({ ram, cpu, gpu }), ...emptyAmounts(body, '')];
  if (ram === undefined || cpu === undefined || gpu === undefined || errors.length > 0) throw invalidFields(errors);
  const device: NewDevice = { model: 'generic', memoryMib: 0, driver: 'none' };
  return {
    name: 'node-1',
    ram: toThousandths(ram),
    cpu: toThousandths(cpu),
    labels: {},
    devices: Array.from({ length: gpu }, () => device),
  };
}

const units = { ram: 'GB', cpu: 'cores', gpu: 'GPU devices' } as const;

function missing(amounts: Record<keyof typeof units, number | undefined>): FieldError[] {
  return (['ram', 'cpu', 'gpu'] as const)
    .filter((dimension) => amounts[dimension] === undefined)
    .map((dimension) => ({ field: dimension, message: `is missing: a number of ${units[dimension]}, or \`nodes\`` }));
}

function sumsBesideNodes(body: ClusterBody): FieldError[] {
  return (['ram', 'cpu', 'gpu'] as const)
    .filter((dimension) => body[dimension] !== undefined)
    .map((field) => ({ field, message: 'must be left out where `nodes` is given: the nodes say it' }));
}

/** What an engine of its own does not say has to be said. */
function wrongAmounts(node: NodeBody, prefix: string): FieldError[] {
  const unsaid = (['ram', 'cpu'] as const)
    .filter((dimension) => node.engine === undefined && node[dimension] === undefined)
    .map((dimension) => ({ field: `${prefix}${dimension}`, message: `is missing: a number of ${units[dimension]}` }));
  return [...unsaid, ...emptyAmounts(node, prefix)];
}

function emptyAmounts(node: { ram?: number | undefined; cpu?: number | undefined }, prefix: string): FieldError[] {
  return (['ram', 'cpu'] as const)
    .filter((dimension) => node[dimension] === 0)
    .map((dimension) => ({ field: `${prefix}${dimension}`, message: `must be more than 0 ${units[dimension]}` }));
}

function repeatedNames(nodes: readonly NodeBody[]): FieldError[] {
  const seen = new Set<string>();
  return nodes.flatMap(({ name }, index) => {
    if (seen.has(name)) return [{ field: `nodes.${index}.name`, message: `repeats the name "${name}"` }];
    seen.add(name);
    return [];
  });
}

function checkSums(nodes: readonly NewNode[]): void {
  const tooMuch = (['ram', 'cpu'] as const).filter(
    (dimension) => nodes.reduce((sum, node) => sum + node[dimension], 0) > sumMax,
  );
  if (tooMuch.length > 0) {
    throw invalidFields(tooMuch.map((dimension) => ({ field: 'nodes', message: `add up to too much ${dimension}` })));
  }
}

function nodeOfBody(body: NodeBody): NewNode {
  return {
    name: body.name,
    ram: toThousandths(body.ram ?? 0),
    cpu: toThousandths(body.cpu ?? 0),
    labels: body.labels,
    devices: (body.gpus ?? []).map((gpu) => ({
      model: gpu.model,
      memoryMib: Math.round(gpu.memory_gb * 1024),
      driver: gpu.driver,
    })),
  };
}
