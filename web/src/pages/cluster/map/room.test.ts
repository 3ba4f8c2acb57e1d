import { describe, expect, it } from 'vitest';
import { roomOf } from './room.ts';

function node(allocated: readonly number[], status: 'ready' | 'cordoned' = 'ready') {
  const gpus = allocated.map((amount) => ({
    model: 'A100',
    memory_gb: 80,
    driver: 'none' as const,
    allocated: amount,
  }));
  const held = allocated.reduce((sum, amount) => sum + amount, 0);
  const amounts = (gpu: number) => ({ ram: 10 - held, cpu: 4, gpu });
  return {
    gpus,
    status,
    resources: { total: amounts(gpus.length), allocated: amounts(held), available: amounts(gpus.length - held) },
  };
}

describe('the room of a cluster', () => {
  it('tells what is free in sum from what one node can give', () => {
    const room = roomOf([node([1, 0, 0.5]), node([0, 0, 1])]);
    expect(room).toMatchObject({ freeGpus: 3.5, wholeGpus: 3, wholeGpusOnOneNode: 2, freeCpuOnOneNode: 4, closed: 0 });
  });

  it('counts nothing of nodes that are closed', () => {
    expect(roomOf([node([0, 0], 'cordoned')])).toMatchObject({ freeGpus: 0, wholeGpusOnOneNode: 0, closed: 1 });
  });
});
