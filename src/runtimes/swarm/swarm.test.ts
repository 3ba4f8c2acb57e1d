import { describe, expect, test } from 'vitest';
import type { ContainerSpec } from '../runtime.ts';
import { serviceName } from './labels.ts';
import { engineAddress } from './manager.ts';
import { devicesOf, type EngineNode, toSwarmNode } from './nodes.ts';
import { serviceSpec } from './service-spec.ts';
import { isEvicted, refusalOf, type Task, unsuitable, waitsInVain } from './tasks.ts';

const key = {
  clusterId: '0192f0c1-0000-7000-8000-000000000001',
  deploymentId: '0192f0c1-0000-7000-8000-000000000002',
  attempt: 1,
  replica: 0,
  run: 1,
};
const spec: ContainerSpec = {
  key,
  image: 'busybox',
  command: ['sh', '-c', 'echo {{.Node.ID}}'],
  env: { TEMPLATE: 'a {{.Node.ID}} b' },
  ports: [
    { container: 80, host: null, protocol: 'tcp' },
    { container: 53, host: 5353, protocol: 'udp' },
  ],
  labels: { team: 'vision', 'hypervisor.node': 'a lie' },
  resources: { ram: 512, cpu: 250, gpu: 1500 },
  devices: [
    { index: 1, amount: 1000 },
    { index: 2, amount: 500 },
  ],
  gpuDriver: 'nvidia',
  stopGraceSeconds: 7,
  mounts: [],
  files: [],
  network: { mode: 'private', alias: 'replica-0', members: 2 },
  stopSignal: 'SIGINT',
};
const kind = 'NVIDIA-GPU';
const devices = ['GPU-a', 'GPU-b', 'GPU-c'].map((name) => ({ kind, name }));
const made = (given: Partial<ContainerSpec> = {}) =>
  serviceSpec(
    'swarm/123456789012',
    { ...spec, ...given },
    {
      nodeId: 'node1',
      imageId: 'sha256:1',
      mounts: [],
      secrets: [],
      networkId: 'net1',
      devices,
    },
  );

describe('a service', () => {
  test('is of one task, once it is told to start, on the node that the plan says, with what was allocated as limit and reservation', () => {
    const given = { NanoCPUs: 250_000_000, MemoryBytes: (512 * 1024 ** 3) / 1000 };
    expect(made()).toMatchObject({
      Mode: { Replicated: { Replicas: 0 } },
      Labels: { 'hypervisor.node': 'node1', 'hypervisor.installation': 'swarm/123456789012' },
      TaskTemplate: {
        RestartPolicy: { Condition: 'none' },
        Placement: { Constraints: ['node.id==node1'] },
        Resources: {
          Limits: { NanoCPUs: given.NanoCPUs, MemoryBytes: Math.floor(given.MemoryBytes) },
          // Of the shared device nothing: the swarm counts whole ones.
          Reservations: {
            NanoCPUs: given.NanoCPUs,
            GenericResources: [{ DiscreteResourceSpec: { Kind: kind, Value: 1 } }],
          },
        },
        ContainerSpec: { Image: 'sha256:1', StopGracePeriod: 7e9, StopSignal: 'SIGINT' },
        Networks: [{ Target: 'net1', Aliases: ['replica-0'] }],
      },
      EndpointSpec: {
        Mode: 'dnsrr',
        Ports: [
          { Protocol: 'tcp', TargetPort: 80, PublishMode: 'host' },
          { Protocol: 'udp', TargetPort: 53, PublishedPort: 5353, PublishMode: 'host' },
        ],
      },
    });
  });

  test('gets its variables to the letter, though the swarm takes them for templates, and its devices by name', () => {
    const { ContainerSpec: container } = made().TaskTemplate as { ContainerSpec: { Env: string[]; Args: string[] } };
    expect(container.Env).toContain('TEMPLATE=a {{"{{"}}.Node.ID}} b');
    expect(container.Env).toContain('NVIDIA_VISIBLE_DEVICES=GPU-b,GPU-c');
    // Commands are no templates.
    expect(container.Args).toEqual(['sh', '-c', 'echo {{.Node.ID}}']);
  });

  test('has a name of at most 63 characters, also of the last of many', () => {
    const last = { ...key, attempt: 9999, replica: 9999, run: 9999 };
    expect(serviceName('123456789012345', last)).toMatch(/^hv-[\da-z-]{1,60}$/);
    expect(serviceName('1', { ...key, run: 2 })).not.toBe(serviceName('1', key));
  });

  test('with less than the engine can give is refused in words', () => {
    expect(() => made({ resources: { ram: 1, cpu: 250, gpu: 0 } })).toThrow(/at least 0.006 GB/);
    expect(() => made({ resources: { ram: 512, cpu: 1, gpu: 0 } })).toThrow(/at least 0.01 cores/);
  });
});

const engineNode: EngineNode = {
  ID: 'node1',
  Spec: { Availability: 'active', Labels: { zone: 'a', 'no good!': 'x' } },
  Description: {
    Hostname: 'gpu-1',
    Platform: { Architecture: 'x86_64', OS: 'linux' },
    Resources: {
      NanoCPUs: 8e9,
      MemoryBytes: 64 * 1024 ** 3,
      GenericResources: [
        { NamedResourceSpec: { Kind: 'NVIDIA-GPU', Value: 'GPU-b' } },
        { DiscreteResourceSpec: { Kind: 'SSD', Value: 3 } },
        { NamedResourceSpec: { Kind: 'NVIDIA-GPU', Value: 'GPU-a' } },
        { DiscreteResourceSpec: { Kind: 'gpu', Value: 2 } },
      ],
    },
    Engine: { EngineVersion: '20.10.24' },
  },
  Status: { State: 'ready', Addr: '10.0.0.5' },
};

describe('a node', () => {
  test('has what the swarm says, its GPUs among the generic resources, and the labels that can be ours', () => {
    expect(toSwarmNode(engineNode)).toEqual({
      nodeId: 'node1',
      hostname: 'gpu-1',
      address: '10.0.0.5',
      state: 'ready',
      availability: 'active',
      capacity: {
        ram: 64_000,
        cpu: 8000,
        devices: [
          { model: 'NVIDIA-GPU', memoryMib: 0, driver: 'nvidia' },
          { model: 'NVIDIA-GPU', memoryMib: 0, driver: 'nvidia' },
          { model: 'gpu', memoryMib: 0, driver: 'none' },
          { model: 'gpu', memoryMib: 0, driver: 'none' },
        ],
        labels: { zone: 'a', arch: 'amd64', os: 'linux', docker_version: '20.10.24' },
      },
    });
  });

  test('tells its devices in one order, in whichever it is told', () => {
    const names = devicesOf(engineNode.Description).map(({ name }) => name);
    expect(names).toEqual(['GPU-a', 'GPU-b', null, null]);
  });

  test('that is a manager is where the other managers reach it', () => {
    const manager = {
      ...engineNode,
      Status: { State: 'ready', Addr: '0.0.0.0' },
      ManagerStatus: { Addr: '[fd00::1]:2377' },
    };
    expect(toSwarmNode(manager as EngineNode).address).toBe('fd00::1');
  });

  test.each([
    ['tcp://10.0.0.1:2376', null, 'tcp://10.0.0.5:2376'],
    ['ssh://ops@manager:22', null, 'ssh://ops@10.0.0.5:22'],
    ['tcp://10.0.0.1:2376', 'tcp://{hostname}.lab:2300', 'tcp://gpu-1.lab:2300'],
    ['tcp://10.0.0.1:2376', 'tcp://{addr}', 'tcp://10.0.0.5:2376'],
  ])('with the manager at %s and the template %s has its engine at %s', (manager, template, expected) => {
    expect(engineAddress(manager, template, { address: '10.0.0.5', hostname: 'gpu-1' })).toBe(expected);
  });
});

const task = (DesiredState: Task['DesiredState'], State: Task['Status']['State'], Err = ''): Task => ({
  ID: 't',
  ServiceID: 's',
  CreatedAt: '2026-01-01T00:00:00Z',
  DesiredState,
  Status: { State, Err },
});

describe('a task', () => {
  test.each([
    // Its own ends: the swarm hears of them, and only then wants it to be down.
    ['running', 'failed', false],
    ['shutdown', 'failed', false],
    ['shutdown', 'complete', false],
    ['remove', 'running', false],
    // The swarm's doing.
    ['shutdown', 'running', true],
    ['shutdown', 'shutdown', true],
    ['shutdown', 'orphaned', true],
  ] as const)('that is to be %s and is %s was ended by the swarm: %s', (desired, state, expected) => {
    expect(isEvicted(task(desired, state))).toBe(expected);
  });

  test('that was rejected, or failed to start, says why as an engine would', () => {
    const words =
      'starting container failed: OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown';
    expect(refusalOf(task('shutdown', 'failed', words))).toMatchObject({
      code: 'start_failed',
      message: 'there is no command "nope" in the image',
    });
    expect(refusalOf(task('running', 'preparing'))).toBeNull();
  });

  test.each([
    [
      'no suitable node (insufficient resources on 1 node; scheduling constraints not satisfied on 2 nodes)',
      'start_failed',
      /has not that much left/,
    ],
    [
      'no suitable node (host-mode port already in use on 1 node)',
      'start_failed',
      /^the host port 8080 is in use already$/,
    ],
    // It is not the deployment's fault: it waits until it is moved.
    ['no suitable node (1 node not available for new tasks)', 'unreachable', /drained or paused/],
    ['no suitable node (unsupported platform on 1 node)', 'start_failed', /another kind of processor/],
    ['no suitable node (something new)', 'start_failed', /something new/],
  ])('without a place, as in "%s", is %s', (words, code, message) => {
    const waiting = task('running', 'pending', words);
    expect(waitsInVain(waiting)).toBe(true);
    expect(unsuitable(waiting, [{ host: 8080 }, { host: null }])).toMatchObject({ code, message });
  });
});
