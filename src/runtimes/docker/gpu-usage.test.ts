import { expect, test } from 'vitest';
import { parseGpuUsage } from './gpu-usage.ts';

test('utilization and memory by device, in the order of their indices', () => {
  expect(parseGpuUsage('1, 0, 3\n0, 87, 40211\n')).toEqual([
    { index: 0, busy: 0.87, memoryMib: 40_211 },
    { index: 1, busy: 0, memoryMib: 3 },
  ]);
});

test('what the driver does not know is null, and never 0', () => {
  expect(parseGpuUsage('0, [N/A], [Not Supported]\n')).toEqual([{ index: 0, busy: null, memoryMib: null }]);
  expect(parseGpuUsage('')).toEqual([]);
  expect(parseGpuUsage('No devices were found\n')).toEqual([]);
});
