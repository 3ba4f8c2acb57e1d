import { expect, test } from 'vitest';
import { parseGpus } from './capacity.ts';

test('GPUs in the order of their indices; shared memory is not known', () => {
  expect(parseGpus('1, NVIDIA GB10, [N/A]\n0, NVIDIA A100-SXM4-80GB, 81920\n')).toEqual([
    { model: 'NVIDIA A100-SXM4-80GB', memoryMib: 81_920, driver: 'nvidia' },
    { model: 'NVIDIA GB10', memoryMib: 0, driver: 'nvidia' },
  ]);
  expect(parseGpus('')).toEqual([]);
});
