import type { NodeCreate } from '../../../../src/sdk/types.gen.ts';

/** Nodes that are alike, as the form has them. */
export interface NodeGroup {
  readonly prefix: string;
  readonly count: number;
  readonly ram: number;
  readonly cpu: number;
  readonly gpus: number;
  readonly gpuModel: string;
  readonly gpuMemory: number;
}

export const newGroup: NodeGroup = { prefix: 'node', count: 1, ram: 16, cpu: 4, gpus: 0, gpuModel: '', gpuMemory: 0 };

/** "gpu-1", "gpu-2"; one by itself has the name as it is. Groups with one prefix are counted through. */
export function nodesOf(groups: readonly NodeGroup[]): NodeCreate[] {
  const counted = new Map<string, number>();
  const sizes = sizesOf(groups);
  return groups.flatMap((group) =>
    Array.from({ length: group.count }, () => {
      const number = (counted.get(group.prefix) ?? 0) + 1;
      counted.set(group.prefix, number);
      return nodeOf(group, sizes.get(group.prefix) === 1 ? group.prefix : `${group.prefix}-${number}`);
    }),
  );
}

function sizesOf(groups: readonly NodeGroup[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { prefix, count } of groups) sizes.set(prefix, (sizes.get(prefix) ?? 0) + count);
  return sizes;
}

function nodeOf({ ram, cpu, gpus, gpuModel, gpuMemory }: NodeGroup, name: string): NodeCreate {
  const gpu = { ...(gpuModel.trim() !== '' && { model: gpuModel.trim() }), memory_gb: gpuMemory };
  return { name, ram, cpu, gpus: Array.from({ length: gpus }, () => gpu) };
}
