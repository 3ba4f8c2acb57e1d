/** Files, volumes and networks of simulated containers: maps of texts, and names. */
import { type ContainerSpec, type Mount, type NetworkKey, RuntimeError, type VolumeKey } from './runtime.ts';

/** By their paths; in volumes, by their paths below it. */
type Files = Map<string, string>;

interface Occupant {
  readonly spec: ContainerSpec;
  readonly state: { readonly status: string };
}

/** What a container has of its own, while it is there. */
export interface SimulatedData {
  /** Null where there is no such file. */
  read(path: string): string | null;
  /** False where it must not be written to. */
  write(path: string, text: string): boolean;
  /** Whether another container answers to this name in its network. */
  reaches(name: string): boolean;
}

export interface SimulatedStore {
  /** Called when a container is made: makes its volumes and its network, if they are not there. */
  attach(spec: ContainerSpec): SimulatedData;
  listNetworks(): NetworkKey[];
  removeNetwork(key: NetworkKey): void;
  volumeSizes(): Map<string, number>;
  removeVolume(key: VolumeKey): void;
}

const networkName = ({ deploymentId, attempt }: NetworkKey) => `${deploymentId}/${attempt}`;

export function simulatedStore(containers: () => Iterable<Occupant>): SimulatedStore {
  const networks = new Map<string, NetworkKey>();
  const volumes = new Map<string, Files>();
  const hostPaths = new Map<string, Files>();

  function filesAt(mount: Mount): Files {
    const [all, name] = mount.kind === 'volume' ? [volumes, mount.volume.volumeId] : [hostPaths, mount.hostPath];
    const files: Files = all.get(name) ?? new Map();
    all.set(name, files);
    return files;
  }

  const inNetwork = (name: string) =>
    [...containers()].filter(
      ({ spec, state }) =>
        spec.network.mode === 'private' && networkName(spec.key) === name && state.status === 'running',
    );

  function reaches(from: ContainerSpec, name: string): boolean {
    if (from.network.mode !== 'private') return false;
    return inNetwork(networkName(from.key)).some(
      ({ spec }) => spec.network.mode === 'private' && spec.network.alias === name,
    );
  }

  return {
    attach(spec) {
      if (spec.network.mode === 'private') {
        const { clusterId, deploymentId, attempt } = spec.key;
        networks.set(networkName(spec.key), { clusterId, deploymentId, attempt });
      }
      for (const mount of spec.mounts) filesAt(mount);
      const own: Files = new Map(spec.files.map(({ path, content }) => [path, content.toString('utf8')]));
      const placeOf = (path: string) => {
        const mount = spec.mounts.find((one) => path.startsWith(`${one.path}/`));
        if (mount === undefined) return { files: own, name: path, readOnly: false };
        return { files: filesAt(mount), name: path.slice(mount.path.length), readOnly: mount.readOnly };
      };
      return {
        read(path) {
          const { files, name } = placeOf(path);
          return files.get(name) ?? null;
        },
        write(path, text) {
          const { files, name, readOnly } = placeOf(path);
          if (!readOnly) files.set(name, text);
          return !readOnly;
        },
        reaches: (name) => reaches(spec, name),
      };
    },
    listNetworks: () => [...networks.values()],
    removeNetwork(key) {
      if (inNetwork(networkName(key)).length > 0) throw new RuntimeError('in_use', 'a container in the network runs');
      networks.delete(networkName(key));
    },
    volumeSizes: () =>
      new Map([...volumes].map(([id, files]) => [id, [...files.values()].reduce((sum, text) => sum + text.length, 0)])),
    removeVolume({ volumeId }) {
      const isUsed = [...containers()].some(({ spec }) =>
        spec.mounts.some((mount) => mount.kind === 'volume' && mount.volume.volumeId === volumeId),
      );
      if (isUsed) throw new RuntimeError('in_use', 'a container refers to the volume');
      volumes.delete(volumeId);
    },
  };
}
