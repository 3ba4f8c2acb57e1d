import { expect, test } from 'vitest';
import type { Holding, QueuedDeployment, Snapshot } from './model.ts';
import { withSubmitted } from './preview.ts';

const request = { perReplica: { ram: 1, cpu: 1, gpu: 0 }, replicas: 1, gpuModels: [] };
const queued = (id: string, queuedAt = 1): QueuedDeployment => ({
  id,
  request,
  priority: 50,
  queuedAt,
  timeLimit: null,
});
const holding = (deploymentId: string): Holding => ({
  deploymentId,
  nodeId: 'n',
  resources: request.perReplica,
  devices: [],
  endsBy: null,
});
const snapshot: Snapshot = {
  nodes: [],
  queue: [queued('a'), queued('b')],
  holdings: [holding('c'), holding('d')],
  claims: [{ deploymentId: 'a', placements: [] }],
};

test('without anybody it is the same', () => {
  expect(withSubmitted(snapshot, { candidates: [], leaving: new Set() }, 9)).toEqual(snapshot);
});

test('who is new enters the queue now, who takes the place of another keeps its time', () => {
  const candidates = [
    { ...queued('b'), queuedAt: 1, priority: 3 },
    { ...queued('e'), queuedAt: null },
  ];
  const { queue } = withSubmitted(snapshot, { candidates, leaving: new Set() }, 9);
  expect(queue).toEqual([queued('a'), { ...queued('b'), priority: 3 }, queued('e', 9)]);
});

test('who leaves is withdrawn with what was kept for it, or is being stopped', () => {
  const after = withSubmitted(snapshot, { candidates: [], leaving: new Set(['a', 'c']) }, 9);
  expect(after.queue).toEqual([queued('b')]);
  expect(after.claims).toEqual([]);
  expect(after.holdings).toEqual([{ ...holding('c'), isStopping: true }, holding('d')]);
});
