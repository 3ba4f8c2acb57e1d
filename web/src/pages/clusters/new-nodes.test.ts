import { describe, expect, it } from 'vitest';
import { newGroup, nodesOf } from './new-nodes.ts';

describe('nodes of a new cluster', () => {
  it('are counted through, over groups of one prefix', () => {
    const groups = [
      { ...newGroup, prefix: 'gpu', count: 2, gpus: 2, gpuModel: 'A100', gpuMemory: 80 },
      { ...newGroup, prefix: 'gpu', count: 1 },
      { ...newGroup, prefix: 'login' },
    ];
    const nodes = nodesOf(groups);
    expect(nodes.map(({ name }) => name)).toEqual(['gpu-1', 'gpu-2', 'gpu-3', 'login']);
    expect(nodes[0]?.gpus).toEqual([
      { model: 'A100', memory_gb: 80 },
      { model: 'A100', memory_gb: 80 },
    ]);
    expect(nodes[3]?.gpus).toEqual([]);
  });
});
