import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EmptyCluster } from './capacity.ts';
import type { Node } from './model.ts';
import { plan } from './plan.ts';
import { defaultPolicy, node, queued, request } from './testing.ts';

const nodes = [node('a', 32, 8, 2), node('b', 64, 4, 0), { ...node('c', 16, 16, 4, 't4'), schedulable: false }];

test.each([
  ['what fits', request(32, 8, 2), null],
  ['what fits a cordoned node', request(16, 16, 4), null],
  ['too much RAM for any node', request(65, 1), { dimension: 'ram', requested: 65_000, most: 64_000 }],
  ['too much CPU for any node', request(1, 17), { dimension: 'cpu', requested: 17_000, most: 16_000 }],
  ['too many GPUs for any node', request(1, 1, 5), { dimension: 'gpu', requested: 5000, most: 4000 }],
  ['too many of a model', request(1, 1, 3, 1, ['a100']), { dimension: 'gpu_models', requested: 3000, most: 2000 }],
  ['a model that nobody has', request(1, 1, 0.5, 1, ['h100']), { dimension: 'gpu_models', requested: 500, most: 0 }],
  [
    'each dimension somewhere, never all on one node',
    request(64, 8),
    { dimension: 'ram', requested: 64_000, most: 32_000 },
  ],
  ['GPUs only beside too little RAM', request(33, 1, 1), { dimension: 'ram', requested: 33_000, most: 32_000 }],
  ['too many replicas', request(32, 4, 0, 4), { dimension: 'replicas', requested: 4, most: 2 }],
] as const)('%s', (_, of, verdict) => {
  expect(new EmptyCluster(nodes).verdict(of)).toEqual(verdict);
});

const device = (index: number, memory: number, model = 'a100') => ({ index, model, memory, free: 1000 });
const labelled: readonly Node[] = [
  {
    ...node('a', 32, 8, 3),
    labels: { zone: 'a', disk: 'ssd' },
    devices: [device(0, 80_000), device(1, 40_000), device(2, 40_000)],
  },
  { ...node('b', 64, 4, 1), labels: { zone: 'b' }, devices: [device(0, 96_000, 'h100')] },
];

test.each([
  ['labels that a node has', { ...request(32, 8), nodeLabels: { zone: 'a', disk: 'ssd' } }, null],
  [
    'labels of which no node has all',
    { ...request(1, 1), nodeLabels: { zone: 'b', disk: 'ssd' } },
    { dimension: 'node_labels', requested: 1, most: 0 },
  ],
  [
    'too much for the nodes with its labels',
    { ...request(64, 1), nodeLabels: { zone: 'a' } },
    { dimension: 'ram', requested: 64_000, most: 32_000 },
  ],
  ['device memory that is there', { ...request(1, 1, 1), gpuMemory: 96_000 }, null],
  [
    'more device memory than any has',
    { ...request(1, 1, 0.5), gpuMemory: 97_000 },
    { dimension: 'gpu_memory', requested: 97_000, most: 96_000 },
  ],
  [
    'device memory that too few devices of a node have',
    { ...request(1, 1, 2), gpuMemory: 80_000 },
    { dimension: 'gpu_memory', requested: 80_000, most: 40_000 },
  ],
  [
    'device memory of other models',
    { ...request(1, 1, 1, 1, ['a100']), gpuMemory: 96_000 },
    { dimension: 'gpu_memory', requested: 96_000, most: 80_000 },
  ],
  [
    'device memory only beside too little RAM',
    { ...request(33, 1, 1, 1, ['a100']), gpuMemory: 80_000 },
    { dimension: 'ram', requested: 33_000, most: 32_000 },
  ],
  ['replicas on a node of their own each', { ...request(1, 1, 0, 2), maxPerNode: 1 }, null],
  [
    'more such replicas than nodes',
    { ...request(1, 1, 0, 3), maxPerNode: 1 },
    { dimension: 'max_per_node', requested: 3, most: 2 },
  ],
  ['two of them on a node', { ...request(1, 1, 0, 3), maxPerNode: 2 }, null],
] as const)('%s', (_, of, verdict) => {
  expect(new EmptyCluster(labelled).verdict(of)).toEqual(verdict);
});

test('a cluster without nodes holds nothing', () => {
  expect(new EmptyCluster([]).verdict(request(1, 1))).toEqual({ dimension: 'ram', requested: 1000, most: 0 });
});

test('never fits exactly where a plan over the empty cluster waits, and names more than there is', () => {
  const amount = fc.integer({ min: 0, max: 8 });
  const clusters = fc.array(fc.tuple(amount, amount, fc.integer({ min: 0, max: 3 }), fc.constantFrom('a100', 't4')), {
    maxLength: 3,
  });
  const requests = fc.tuple(
    amount,
    amount,
    fc.constantFrom(0, 0.5, 1, 2),
    fc.integer({ min: 1, max: 3 }),
    fc.constantFrom([], ['t4']),
    fc.record(
      {
        gpuMemory: fc.constantFrom(16_000, 80_000),
        nodeLabels: fc.constantFrom({ zone: '0' }, { zone: '1' }),
        maxPerNode: fc.integer({ min: 1, max: 2 }),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(clusters, requests, (all, [ram, cpu, gpu, replicas, models, where]) => {
      const empty = all.map(([nodeRam, nodeCpu, nodeGpu, model], i) => {
        const one = node(`n${i}`, nodeRam, nodeCpu, nodeGpu, model);
        const devices = one.devices.map((each) => ({ ...each, memory: each.index === 0 ? 80_000 : 16_000 }));
        return { ...one, devices, labels: { zone: String(i % 2) } };
      });
      const of = { ...request(ram, cpu, gpu, replicas, models), ...where };
      const [decision] = plan({ nodes: empty, queue: [queued('x', of)], holdings: [] }, defaultPolicy, 0).decisions;
      const verdict = new EmptyCluster(empty).verdict(of);
      expect(verdict === null).toBe(decision?.kind === 'place');
      if (verdict !== null && empty.length > 0) expect(verdict.requested).toBeGreaterThan(verdict.most);
    }),
    { numRuns: 500 },
  );
});
