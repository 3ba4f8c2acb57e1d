import { describe, expect, test } from 'vitest';
import type { ContainerSpec } from '../runtime.ts';
import { type Attached, createOptions } from './container-spec.ts';

const key = { clusterId: 'c', deploymentId: 'd', attempt: 2, replica: 1, run: 3 };

const nothing: Attached = { mounts: [], networkId: null };

function optionsOf(given: Partial<ContainerSpec> = {}, attached = nothing) {
  const spec: ContainerSpec = {
    key,
    image: 'app:1',
    command: null,
    env: {},
    ports: [],
    labels: {},
    resources: { ram: 1000, cpu: 1000, gpu: 0 },
    devices: [],
    gpuDriver: 'none',
    stopGraceSeconds: 7,
    mounts: [],
    files: [],
    network: { mode: 'shared' },
    stopSignal: null,
    ...given,
  };
  return createOptions('installation', spec, attached);
}

describe('limits', () => {
  test.each([
    { ram: 1000, bytes: 1024 ** 3 },
    { ram: 1, bytes: null },
    { ram: 5, bytes: null },
    // 6 MiB is 0.00586 GB.
    { ram: 6, bytes: 6_442_450 },
    { ram: 333, bytes: 357_556_027 },
  ])('$ram thousandths of a GB are $bytes bytes', ({ ram, bytes }) => {
    const options = () => optionsOf({ resources: { ram, cpu: 1000, gpu: 0 } }).HostConfig;
    if (bytes === null) expect(options).toThrow(/0\.006 GB/);
    else expect(options()).toMatchObject({ Memory: bytes, MemorySwap: bytes });
  });

  test.each([
    { cpu: 1000, quota: 100_000 },
    { cpu: 1, quota: null },
    { cpu: 9, quota: null },
    { cpu: 10, quota: 1000 },
    { cpu: 2345, quota: 234_500 },
    { cpu: 512_000, quota: 51_200_000 },
  ])('$cpu thousandths of a core are $quota of 100,000 µs', ({ cpu, quota }) => {
    const options = () => optionsOf({ resources: { ram: 1000, cpu, gpu: 0 } }).HostConfig;
    if (quota === null) expect(options).toThrow(/0\.01 cores/);
    else expect(options()).toMatchObject({ CpuPeriod: 100_000, CpuQuota: quota });
  });

  test('no more rights than were asked for', () => {
    expect(optionsOf()).toMatchObject({
      StopTimeout: 7,
      HostConfig: { Privileged: false, SecurityOpt: ['no-new-privileges'], PidsLimit: 4096, AutoRemove: false },
    });
  });
});

test('a command replaces the one of the image; null keeps it', () => {
  expect(optionsOf()).not.toHaveProperty('Cmd');
  expect(optionsOf({ command: ['a', 'b c'] }).Cmd).toEqual(['a', 'b c']);
});

test("a user's label does not stand for ours", () => {
  const labels = { team: 'x', 'hypervisor.installation': 'y', 'hypervisor.replica': '9' };
  expect(optionsOf({ labels }).Labels).toEqual({
    team: 'x',
    'hypervisor.installation': 'installation',
    'hypervisor.cluster': 'c',
    'hypervisor.deployment': 'd',
    'hypervisor.attempt': '2',
    'hypervisor.replica': '1',
    'hypervisor.run': '3',
  });
});

describe('the network', () => {
  test('is the default one of the engine where it is shared', () => {
    expect(optionsOf().HostConfig).not.toHaveProperty('NetworkMode');
    expect(optionsOf()).not.toHaveProperty('NetworkingConfig');
  });

  test('is none where none was asked for', () => {
    expect(optionsOf({ network: { mode: 'none' } }).HostConfig).toMatchObject({ NetworkMode: 'none' });
  });

  test('is that of the attempt, under the name of the replica', () => {
    const network = { mode: 'private', alias: 'replica-1', members: 2 } as const;
    expect(optionsOf({ network }, { mounts: [], networkId: 'n' })).toMatchObject({
      HostConfig: { NetworkMode: 'n' },
      NetworkingConfig: { EndpointsConfig: { n: { Aliases: ['replica-1'] } } },
    });
  });
});

test('ports: given, picked by the engine, and one bound twice', () => {
  const { ExposedPorts, HostConfig } = optionsOf({
    ports: [
      { container: 80, host: 8080, protocol: 'tcp' },
      { container: 80, host: 8081, protocol: 'tcp' },
      { container: 53, host: null, protocol: 'udp' },
    ],
  });
  expect(ExposedPorts).toEqual({ '80/tcp': {}, '53/udp': {} });
  expect(HostConfig?.PortBindings).toEqual({
    '80/tcp': [{ HostPort: '8080' }, { HostPort: '8081' }],
    '53/udp': [{ HostPort: '' }],
  });
});

describe('GPUs', () => {
  const whole = [
    { index: 0, amount: 1000 },
    { index: 3, amount: 1000 },
  ];

  test('of NVIDIA are requested by id', () => {
    const { HostConfig, Env } = optionsOf({ gpuDriver: 'nvidia', devices: whole });
    expect(HostConfig?.DeviceRequests).toEqual([{ Driver: 'nvidia', DeviceIDs: ['0', '3'], Capabilities: [['gpu']] }]);
    expect(Env).toEqual(expect.arrayContaining(['HYPERVISOR_GPU_DEVICES=0,3', 'NVIDIA_VISIBLE_DEVICES=0,3']));
    expect(Env?.join()).not.toContain('HYPERVISOR_GPU_SHARE');
  });

  test('of no driver are told by the environment alone', () => {
    const { HostConfig, Env } = optionsOf({ devices: whole });
    expect(HostConfig?.DeviceRequests).toEqual([]);
    expect(Env).toContain('HYPERVISOR_GPU_DEVICES=0,3');
  });

  test.each(['nvidia', 'none'] as const)('a share (%s) is told in thousandths', (gpuDriver) => {
    const { Env } = optionsOf({ gpuDriver, devices: [{ index: 2, amount: 250 }] });
    expect(Env).toEqual(expect.arrayContaining(['HYPERVISOR_GPU_DEVICES=2', 'HYPERVISOR_GPU_SHARE=250']));
  });

  test.each(['nvidia', 'none'] as const)(
    'none allocated (%s): none is seen, whatever the user asks for',
    (gpuDriver) => {
      const { HostConfig, Env } = optionsOf({ gpuDriver, env: { NVIDIA_VISIBLE_DEVICES: 'all' } });
      expect(HostConfig?.DeviceRequests).toEqual([]);
      expect(Env?.filter((entry) => entry.startsWith('NVIDIA'))).toEqual(['NVIDIA_VISIBLE_DEVICES=void']);
    },
  );
});
