import { expect, test } from 'vitest';
import { type ContainerKey, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import { measuredRuntime } from './measured-runtime.ts';

const key: ContainerKey = { clusterId: 'c', deploymentId: 'd', attempt: 1, replica: 0, run: 1 };

function measured(parts: Partial<Runtime>, engineId: string | null = null) {
  const told: string[] = [];
  const runtime = measuredRuntime({ kind: 'docker', ...parts } as Runtime, engineId, {
    called: (kind, call) => told.push(`${kind} ${call}`),
    failed: (engine, code) => told.push(`${engine} ${code}`),
  });
  return { runtime, told };
}

test('a call is passed on as it is, and counted', async () => {
  const { runtime, told } = measured({ list: (clusterId) => Promise.reject(new Error(`asked for ${clusterId}`)) });
  await expect(runtime.list('one')).rejects.toThrow('asked for one');
  expect(runtime.kind).toBe('docker');
  expect(told).toEqual(['docker unknown', 'docker list']);
});

test('what fails is counted by its code, for the engine that failed', async () => {
  const { runtime, told } = measured({ ping: () => Promise.reject(new RuntimeError('unreachable', 'away')) }, 'e1');
  await expect(runtime.ping()).rejects.toThrow('away');
  expect(told).toEqual(['e1 unreachable', 'docker ping']);
});

test('an engine that says that there is no such container has not failed', async () => {
  const { runtime, told } = measured({ stats: () => Promise.reject(new RuntimeError('not_found', 'no such')) });
  await expect(runtime.stats(key)).rejects.toThrow('no such');
  expect(told).toEqual(['docker stats']);
});
