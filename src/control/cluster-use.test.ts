import { expect, it } from 'vitest';
import type { Usage } from '../runtimes/seeing-in.ts';
import { useOf } from './cluster-use.ts';

const usage = (at: number, cpuMs: number, gpus: Usage['gpus'] = null): Usage => ({ at, cpuMs, ram: 500, gpus });

const busy = (share: number | null) => [{ index: 0, busy: share, memoryMib: null }];

it('sums up what is known of each cluster', () => {
  const use = useOf([
    { clusterId: 'a', before: usage(0, 0), now: usage(1000, 500, busy(0.25)) },
    { clusterId: 'a', before: usage(0, 0), now: usage(1000, 1000, busy(null)) },
    { clusterId: 'b', before: undefined, now: usage(1000, 1000) },
  ]);
  expect(use).toEqual([
    { clusterId: 'a', ram: 1000, cpu: 1500, gpu: 250 },
    { clusterId: 'b', ram: 500, cpu: null, gpu: null },
  ]);
});

it('does not count the time of a counter that began anew', () => {
  const [use] = useOf([{ clusterId: 'a', before: usage(0, 900), now: usage(1000, 100) }]);
  expect(use).toEqual({ clusterId: 'a', ram: 500, cpu: null, gpu: null });
});
