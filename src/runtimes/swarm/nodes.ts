/** What a swarm says of its nodes. */
import { labelsOf } from '../docker/capacity.ts';
import type { Capacity } from '../runtime.ts';

export interface SwarmNode {
  readonly nodeId: string;
  readonly hostname: string;
  /** Where its engine is, without a port. */
  readonly address: string;
  readonly state: 'ready' | 'down' | 'unknown' | 'disconnected';
  readonly availability: 'active' | 'pause' | 'drain';
  readonly capacity: Capacity;
}

/** A GPU, as the swarm counts it: by name where the node gave its devices names, else as one of so many. */
export interface SwarmDevice {
  readonly kind: string;
  readonly name: string | null;
}

interface GenericResource {
  readonly NamedResourceSpec?: { readonly Kind: string; readonly Value: string };
  readonly DiscreteResourceSpec?: { readonly Kind: string; readonly Value: number };
}

/** What of the engine's answer counts here (Docker Engine API, "List nodes"). */
export interface EngineNode {
  readonly ID: string;
  readonly Spec: { readonly Availability: SwarmNode['availability']; readonly Labels?: Record<string, string> | null };
  readonly Description: {
    readonly Hostname: string;
    readonly Platform: { readonly Architecture: string; readonly OS: string };
    readonly Resources: {
      readonly NanoCPUs: number;
      readonly MemoryBytes: number;
      readonly GenericResources?: readonly GenericResource[] | null;
    };
    readonly Engine: { readonly EngineVersion: string };
  };
  readonly Status: { readonly State: SwarmNode['state']; readonly Addr: string };
  readonly ManagerStatus?: { readonly Addr: string } | null;
}

const bytesPerGb = 1024 ** 3;
const nanoCpusPerThousandth = 1e6;

export function toSwarmNode(node: EngineNode): SwarmNode {
  return {
    nodeId: node.ID,
    hostname: node.Description.Hostname,
    address: addressOf(node),
    state: node.Status.State,
    availability: node.Spec.Availability,
    capacity: capacityOf(node),
  };
}

/** A manager may not know its own address as a node, but always that under which the other managers reach it. */
function addressOf({ Status, ManagerStatus }: EngineNode): string {
  if (ManagerStatus == null) return Status.Addr;
  return ManagerStatus.Addr.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

export function capacityOf({ Description, Spec }: EngineNode): Capacity {
  const { Resources, Platform, Engine } = Description;
  const found = labelsOf({
    Architecture: Platform.Architecture,
    OSType: Platform.OS,
    ServerVersion: Engine.EngineVersion,
  });
  return {
    ram: Math.floor((Resources.MemoryBytes * 1000) / bytesPerGb),
    cpu: Math.floor(Resources.NanoCPUs / nanoCpusPerThousandth),
    devices: devicesOf(Description).map(({ kind }) => ({
      model: kind,
      memoryMib: 0,
      driver: /nvidia/i.test(kind) ? 'nvidia' : 'none',
    })),
    labels: { ...usableLabels(Spec.Labels ?? {}), ...found },
  };
}

/** Generic resources whose kind says that they are GPUs. The order is the same at each look: by it devices have their index. */
export function devicesOf({ Resources }: Pick<EngineNode['Description'], 'Resources'>): SwarmDevice[] {
  const devices = (Resources.GenericResources ?? []).flatMap(
    ({ NamedResourceSpec: named, DiscreteResourceSpec: counted }): SwarmDevice[] => {
      if (named !== undefined) return [{ kind: named.Kind, name: named.Value }];
      return Array.from({ length: counted?.Value ?? 0 }, () => ({ kind: counted?.Kind ?? '', name: null }));
    },
  );
  const order = ({ kind, name }: SwarmDevice) => `${kind}\n${name ?? ''}`;
  return devices
    .filter(({ kind }) => /gpu/i.test(kind))
    .toSorted((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
}

const isLabelName = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const isLabelValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** What the swarm takes as a label, and a label of ours can't be, is left out. */
function usableLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(([name, value]) => isLabelName.test(name) && isLabelValue.test(value)),
  );
}
