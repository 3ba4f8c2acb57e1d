import type { ContainerCreateOptions, DeviceRequest, MountConfig } from 'dockerode';
import { type ContainerSpec, RuntimeError } from '../runtime.ts';
import { labelsOf } from './labels.ts';

const bytesPerGb = 1024 ** 3;
/** The engine refuses less. */
const leastMemoryBytes = 6 * 1024 ** 2;
/** The kernel's default period, in microseconds. */
const cpuPeriod = 100_000;
/** The kernel refuses less than a millisecond. */
const leastCpuQuota = 1000;
/** A container that forks without end must not take the machine with it. */
export const pidsLimit = 4096;
/** The rotation keeps a log small enough to be read in one piece. */
export const logDriver = { name: 'json-file', options: { 'max-size': '16m', 'max-file': '2' } } as const;

/** What the engine must have before it can create the container. */
export interface Attached {
  readonly mounts: MountConfig;
  /** Of the private network; null where there is none. */
  readonly networkId: string | null;
}

/**
 * What the engine is asked to create: exactly the limits that were allocated. Pure.
 *
 * CPU is limited by quota and not by the engine's `NanoCpus`, which refuses more than the machine has: the capacity of a
 * cluster is what its owner says. Throws `start_failed` where the engine could not give so little.
 */
export function createOptions(installationId: string, spec: ContainerSpec, found: Attached): ContainerCreateOptions {
  const memory = memoryBytes(spec);
  const bindings = portBindings(spec);
  return {
    Image: spec.image,
    ...(spec.command === null ? {} : { Cmd: [...spec.command] }),
    Env: Object.entries(environment(spec)).map(([name, value]) => `${name}=${value}`),
    // Ours come last: a user's label never hides or changes whose container it is.
    Labels: { ...spec.labels, ...labelsOf(installationId, spec.key) },
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    StopTimeout: spec.stopGraceSeconds,
    ...(spec.stopSignal === null ? {} : { StopSignal: spec.stopSignal }),
    HostConfig: {
      Memory: memory,
      MemorySwap: memory,
      CpuPeriod: cpuPeriod,
      CpuQuota: cpuQuota(spec),
      PidsLimit: pidsLimit,
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      LogConfig: { Type: logDriver.name, Config: logDriver.options },
      PortBindings: bindings,
      DeviceRequests: deviceRequests(spec),
      Mounts: [...found.mounts],
      ...(spec.network.mode === 'none' && { NetworkMode: 'none' }),
      ...(found.networkId !== null && { NetworkMode: found.networkId }),
    },
    ...endpoints(spec, found.networkId),
  };
}

/** The name that the others of its network find it by. */
function endpoints({ network }: ContainerSpec, networkId: string | null): Partial<ContainerCreateOptions> {
  if (network.mode !== 'private' || networkId === null) return {};
  return { NetworkingConfig: { EndpointsConfig: { [networkId]: { Aliases: [network.alias] } } } };
}

export function memoryBytes(spec: ContainerSpec): number {
  const bytes = Math.floor((spec.resources.ram * bytesPerGb) / 1000);
  if (bytes < leastMemoryBytes) {
    throw new RuntimeError(
      'start_failed',
      'the Docker Engine gives a container at least 0.006 GB of memory: ask for more',
    );
  }
  return bytes;
}

/** In microseconds of each period. */
export function cpuQuota(spec: ContainerSpec): number {
  const quota = (spec.resources.cpu * cpuPeriod) / 1000;
  if (quota < leastCpuQuota) {
    throw new RuntimeError('start_failed', 'the Docker Engine gives a container at least 0.01 cores: ask for more');
  }
  return quota;
}

/** One port of the container may be bound to several of the host. */
function portBindings({ ports }: ContainerSpec): Record<string, { HostPort: string }[]> {
  const bindings: Record<string, { HostPort: string }[]> = {};
  for (const { container, host, protocol } of ports) {
    (bindings[`${container}/${protocol}`] ??= []).push({ HostPort: host === null ? '' : String(host) });
  }
  return bindings;
}

/** The user's variables, and what a program needs to know about itself. A name of ours wins: it is a promise. */
export function environment(spec: ContainerSpec): Record<string, string> {
  const devices = spec.devices.map((device) => device.index).join(',');
  return {
    ...spec.env,
    HYPERVISOR_DEPLOYMENT_ID: spec.key.deploymentId,
    HYPERVISOR_ATTEMPT: String(spec.key.attempt),
    HYPERVISOR_REPLICA: String(spec.key.replica),
    HYPERVISOR_RUN: String(spec.key.run),
    HYPERVISOR_GPU_DEVICES: devices,
    ...gpuShare(spec),
    // Always, and over what the image or the user says: where NVIDIA's is the engine's default runtime, it would show every GPU
    // to whoever asks for "all", as CUDA images do.
    NVIDIA_VISIBLE_DEVICES: devices === '' ? 'void' : devices,
  };
}

/** A share of a device is a promise between neighbours: the program is told how many thousandths of the device are its own. */
function gpuShare(spec: ContainerSpec): Record<string, string> {
  const [device] = spec.devices;
  if (device === undefined || device.amount >= 1000) return {};
  return { HYPERVISOR_GPU_SHARE: String(device.amount) };
}

function deviceRequests(spec: ContainerSpec): DeviceRequest[] {
  if (spec.gpuDriver !== 'nvidia' || spec.devices.length === 0) return [];
  return [{ Driver: 'nvidia', DeviceIDs: spec.devices.map((device) => String(device.index)), Capabilities: [['gpu']] }];
}
