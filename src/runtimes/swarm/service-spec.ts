import type { MountSettings, ServiceSpec } from 'dockerode';
import { cpuQuota, environment, logDriver, memoryBytes, pidsLimit } from '../docker/container-spec.ts';
import { labelsOf } from '../docker/labels.ts';
import type { ContainerSpec } from '../runtime.ts';
import { serviceName, swarmLabels } from './labels.ts';
import type { SwarmDevice } from './nodes.ts';
import type { SecretReference } from './secrets.ts';

const nanosecondsPerSecond = 1e9;
const nanoCpusPerThousandth = 1e6;
const wholeDevice = 1000;

/** What the swarm must have before it can make the service. */
export interface AttachedToService {
  readonly nodeId: string;
  /** By its id: one that has no registry is not looked for in one. */
  readonly imageId: string;
  readonly mounts: readonly MountSettings[];
  readonly secrets: readonly SecretReference[];
  /** Null: the engine's default network. */
  readonly networkId: string | null;
  /** The devices of the node, by their index. */
  readonly devices: readonly SwarmDevice[];
}

/**
 * A service, not started yet, of one task that is started once, on the one node that our plan says: exactly the limits that were allocated, and as much
 * reserved, so that the swarm gives it to nobody else. Pure. Throws `start_failed` where the engine could not give so little.
 */
export function serviceSpec(installationId: string, spec: ContainerSpec, attached: AttachedToService): ServiceSpec {
  cpuQuota(spec);
  const given = { NanoCPUs: spec.resources.cpu * nanoCpusPerThousandth, MemoryBytes: memoryBytes(spec) };
  const ours = labelsOf(installationId, spec.key);
  return {
    Name: serviceName(installationId, spec.key),
    Labels: { ...ours, [swarmLabels.node]: attached.nodeId },
    // None until it is told to start: what is made is there for all to see before anything of it runs.
    Mode: { Replicated: { Replicas: 0 } },
    TaskTemplate: {
      ContainerSpec: {
        Image: attached.imageId,
        // Not `Command`, which would replace the image's entrypoint.
        ...(spec.command === null ? {} : { Args: [...spec.command] }),
        Env: Object.entries(environmentOf(spec, attached.devices)).map(([name, value]) =>
          literally(`${name}=${value}`),
        ),
        Labels: { ...spec.labels, ...ours },
        StopGracePeriod: spec.stopGraceSeconds * nanosecondsPerSecond,
        ...(spec.stopSignal === null ? {} : { StopSignal: spec.stopSignal }),
        Mounts: attached.mounts.map((mount) => ({ ...mount, Target: literally(mount.Target) })),
        Secrets: [...attached.secrets],
        // Engines before version 25 do not know it, and leave it out.
        Privileges: { NoNewPrivileges: true },
      },
      Resources: {
        Limits: { ...given, Pids: pidsLimit },
        Reservations: { ...given, GenericResources: reservedDevices(spec, attached.devices) },
      },
      // What is done after an end is decided by the control plane, and nowhere else.
      RestartPolicy: { Condition: 'none' },
      Placement: { Constraints: [`node.id==${attached.nodeId}`] },
      LogDriver: { Name: logDriver.name, Options: logDriver.options },
      ...(attached.networkId !== null && { Networks: [{ Target: attached.networkId, Aliases: aliasesOf(spec) }] }),
    },
    EndpointSpec: {
      // Names lead to the containers themselves: an address of the service in front of the one would only need a balancer.
      Mode: 'dnsrr',
      Ports: spec.ports.map(({ container, host, protocol }) => ({
        Protocol: protocol,
        TargetPort: container,
        ...(host !== null && { PublishedPort: host }),
        PublishMode: 'host',
      })),
    },
  } as ServiceSpec;
}

function aliasesOf({ network }: ContainerSpec): string[] {
  return network.mode === 'private' ? [network.alias] : [];
}

/** The swarm takes variables and mounts for templates, where "{{" begins something. */
function literally(text: string): string {
  return text.replaceAll('{{', '{{"{{"}}');
}

/** A device that has a name with the swarm is known to NVIDIA's runtime by that. */
function environmentOf(spec: ContainerSpec, devices: readonly SwarmDevice[]): Record<string, string> {
  const names = spec.devices.map(({ index }) => devices[index]?.name ?? String(index));
  return { ...environment(spec), ...(names.length > 0 && { NVIDIA_VISIBLE_DEVICES: names.join(',') }) };
}

/** Whole devices only: the swarm counts in whole numbers, and several that share one would each reserve all of it. */
function reservedDevices(spec: ContainerSpec, devices: readonly SwarmDevice[]) {
  const counts = new Map<string, number>();
  for (const { index, amount } of spec.devices) {
    const kind = devices[index]?.kind;
    if (kind !== undefined && amount >= wholeDevice) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([Kind, Value]) => ({ DiscreteResourceSpec: { Kind, Value } }));
}
