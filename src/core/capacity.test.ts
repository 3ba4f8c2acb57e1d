import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capacityVerdict } from './capacity.ts';
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
  expect(capacityVerdict(of, nodes)).toEqual(verdict);
});

test('a cluster without nodes holds nothing', () => {
  expect(capacityVerdict(request(1, 1), [])).toEqual({ dimension: 'ram', requested: 1000, most: 0 });
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
  );
  fc.assert(
    fc.property(clusters, requests, (all, [ram, cpu, gpu, replicas, models]) => {
      const empty = all.map(([nodeRam, nodeCpu, nodeGpu, model], i) => node(`n${i}`, nodeRam, nodeCpu, nodeGpu, model));
      const of = request(ram, cpu, gpu, replicas, models);
      const [decision] = plan({ nodes: empty, queue: [queued('x', of)], holdings: [] }, defaultPolicy, 0).decisions;
      const verdict = capacityVerdict(of, empty);
      expect(verdict === null).toBe(decision?.kind === 'place');
      if (verdict !== null && empty.length > 0) expect(verdict.requested).toBeGreaterThan(verdict.most);
    }),
    { numRuns: 500 },
  );
});
