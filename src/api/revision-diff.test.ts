import { expect, test } from 'vitest';
import { revisionChanges } from './revision-diff.ts';

const spec = {
  docker_image: 'app:1',
  command: ['serve'],
  env: { A: '1', B: '2' },
  ram_required: 1,
  cpu_required: 1,
  gpu_required: 0,
  replicas: 2,
};

test('nothing differs from itself', () => {
  expect(revisionChanges(spec, structuredClone(spec))).toEqual([]);
});

test('what differs is named with what it was and is, variables one by one', () => {
  const after = { ...spec, docker_image: 'app:2', command: null, env: { B: '3', C: '' }, replicas: 3 };
  expect(revisionChanges(spec, after)).toEqual([
    { field: 'docker_image', before: 'app:1', after: 'app:2' },
    { field: 'command', before: ['serve'], after: null },
    { field: 'replicas', before: 2, after: 3 },
    { field: 'env.A', before: '1', after: null },
    { field: 'env.B', before: '2', after: '3' },
    { field: 'env.C', before: null, after: '' },
  ]);
});
