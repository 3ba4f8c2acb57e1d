import { describe, expect, test } from 'vitest';
import { parsePort } from './commands/submit.ts';
import { exitCodeOf } from './exit-codes.ts';
import { nodeOf } from './first-start.ts';
import { bar, duration, parseDuration } from './format.ts';

describe('durations', () => {
  test.each([
    ['90', 90],
    ['90s', 90],
    ['5m', 300],
    ['1h30m', 5400],
    ['2d', 172_800],
  ])('%s is %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  test.each(['', 'soon', '5 m', '-1s', '1.5h', '5mm', 's5'])(
    '"%s" is none, and the error shows how one looks',
    (text) => {
      expect(() => parseDuration(text)).toThrow('write it like 90s, 5m, 1h30m or 2d');
    },
  );

  test.each([
    [0, '0s'],
    [59_400, '59s'],
    [725_000, '12m5s'],
    [273_600_000, '3d4h'],
    [-5, '0s'],
  ])('%i ms read as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

test.each([
  ['80', { container: 80, host: null, protocol: 'tcp' }],
  ['8080:80', { container: 80, host: 8080, protocol: 'tcp' }],
  ['5353:53/udp', { container: 53, host: 5353, protocol: 'udp' }],
])('the port %s', (text, port) => {
  expect(parsePort(text)).toEqual(port);
});

test('a port that is none is refused with an example', () => {
  expect(() => parsePort('http')).toThrow('8080:80');
});

test('a bar is filled by the share, and never overflows', () => {
  expect(bar(0.5, 4)).toBe('██░░');
  expect(bar(7, 4)).toBe('████');
  expect(bar(0, 4)).toBe('░░░░');
});

test.each([
  [401, 3],
  [403, 3],
  [404, 4],
  [409, 5],
  [412, 5],
  [400, 6],
  [422, 6],
  [503, 7],
  [500, 1],
])('status %i ends with %i', (status, code) => {
  expect(exitCodeOf(status)).toBe(code);
});

describe('the node of a first start', () => {
  const gpu = { model: 'A100', memoryMib: 40_960, driver: 'nvidia' as const };
  const machine = { ram: 23_540, cpu: 2000, devices: [gpu, gpu], labels: {} };

  test('is the machine', () => {
    expect(nodeOf(machine, {})).toMatchObject({ ram: 23.54, cpu: 2, gpus: [{ memory_gb: 40 }, { model: 'A100' }] });
  });

  test('is less where that was asked for, and never more', () => {
    expect(nodeOf(machine, { ram: 8, cpu: 64, gpu: 1 })).toMatchObject({
      ram: 8,
      cpu: 2,
      gpus: [gpu].map(() => ({ model: 'A100' })),
    });
  });
});
