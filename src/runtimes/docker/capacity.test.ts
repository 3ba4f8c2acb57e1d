import { expect, test } from 'vitest';
import { labelsOf, parseGpus } from './capacity.ts';

test('GPUs in the order of their indices; shared memory is not known', () => {
  expect(parseGpus('1, NVIDIA GB10, [N/A]\n0, NVIDIA A100-SXM4-80GB, 81920\n')).toEqual([
    { model: 'NVIDIA A100-SXM4-80GB', memoryMib: 81_920, driver: 'nvidia' },
    { model: 'NVIDIA GB10', memoryMib: 0, driver: 'nvidia' },
  ]);
  expect(parseGpus('')).toEqual([]);
});

test('what the engine says about itself has the form of labels', () => {
  const info = { Architecture: 'x86_64', OSType: 'linux', ServerVersion: '26.1.5+dfsg1' };
  expect(labelsOf(info)).toEqual({ arch: 'amd64', os: 'linux', docker_version: '26.1.5_dfsg1' });
  expect(labelsOf({ ...info, Architecture: 'riscv64', ServerVersion: '+1.0-' })).toMatchObject({
    arch: 'riscv64',
    docker_version: '1.0',
  });
});
