/**
 * The runtime port: what the control plane asks of anything that runs containers. Every adapter passes the one
 * conformance suite in `test/conformance/runtime.suite.ts`.
 *
 * A container is one run of one replica of one attempt of one deployment; its name derives from these, so that a repeated
 * start finds the first one instead of making a second. Amounts are thousandths, as in the core.
 */
import type { DeviceShare, Resources } from '../core/model.ts';
import type { SeeingIn } from './seeing-in.ts';

/** Which container: together these make its name and its labels. */
export interface ContainerKey {
  readonly clusterId: string;
  readonly deploymentId: string;
  /** Counts from 1; a retry is a new attempt. */
  readonly attempt: number;
  /** Counts from 0. */
  readonly replica: number;
  /** Counts from 1; a replica that is started again in its place is in its next run. */
  readonly run: number;
}

export interface PortMapping {
  readonly container: number;
  /** Null: the runtime picks a free one. */
  readonly host: number | null;
  readonly protocol: 'tcp' | 'udp';
}

/** Which private network: one for each attempt of a deployment that asked for one. */
export interface NetworkKey {
  readonly clusterId: string;
  readonly deploymentId: string;
  readonly attempt: number;
}

/** Which named volume: its name with the engine derives from these. */
export interface VolumeKey {
  readonly organizationId: string;
  readonly volumeId: string;
}

export type Mount =
  | {
      readonly kind: 'volume';
      readonly volume: VolumeKey;
      /** Inside of the container; absolute and normalised. */
      readonly path: string;
      readonly readOnly: boolean;
    }
  | {
      readonly kind: 'host';
      readonly hostPath: string;
      /** The allowed directory that the path lies in: what it leads to, over links, must lie in there too. */
      readonly within: string;
      readonly path: string;
      readonly readOnly: boolean;
    };

/** Put into the container before it starts, owned by root. */
export interface ContainerFile {
  readonly path: string;
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

export type ContainerNetwork =
  /** The engine's default network, that all others are in as well. */
  | { readonly mode: 'shared' }
  | { readonly mode: 'none' }
  /** One for this attempt alone, made by whoever starts first. `alias` is what the others find the container by. */
  | { readonly mode: 'private'; readonly alias: string; readonly members: number };

export interface RegistryCredential {
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

export type PullPolicy = 'always' | 'missing' | 'never';

export interface ContainerSpec {
  readonly key: ContainerKey;
  readonly image: string;
  /** Replaces the image's command; null keeps it. */
  readonly command: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly PortMapping[];
  /** The user's own labels, beside ours. */
  readonly labels: Readonly<Record<string, string>>;
  /** Exactly what was allocated: the container gets these limits and no more. */
  readonly resources: Resources;
  readonly devices: readonly DeviceShare[];
  /** How the node's GPUs are handed over: device requests by id, or by environment only. */
  readonly gpuDriver: 'nvidia' | 'none';
  /** How long a stop waits between the signal and the kill, in seconds. */
  readonly stopGraceSeconds: number;
  readonly mounts: readonly Mount[];
  readonly files: readonly ContainerFile[];
  readonly network: ContainerNetwork;
  /** What a stop sends first, as SIGINT; null: what the image says, else SIGTERM. */
  readonly stopSignal: string | null;
}

/** What a runtime saw of one container. */
export interface ContainerState {
  readonly key: ContainerKey;
  readonly containerId: string;
  readonly status: 'created' | 'running' | 'exited';
  /** Milliseconds since the epoch; null where it has not happened. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** It did not end by itself, nor because we said so: the cluster manager that it runs under took its place away. */
  readonly evicted?: true;
  /** Host ports as they were assigned. */
  readonly ports: readonly PortMapping[];
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly text: string;
}

export interface LogOptions {
  /** Only the last so many lines; undefined: all. */
  readonly tail?: number;
  /** Only lines at or after this time, milliseconds since the epoch. */
  readonly since?: number;
  /** Only what was written to this one; undefined: both. */
  readonly stream?: LogLine['stream'];
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** How one finds out whether a replica is well. */
export type HealthCheck =
  /** A GET of the path is answered with this status; null: with any from 200 to 399. */
  | { readonly kind: 'http'; readonly port: number; readonly path: string; readonly expectStatus: number | null }
  /** The port accepts a connection. */
  | { readonly kind: 'tcp'; readonly port: number }
  /** The command, run inside of the container, exits with 0. */
  | { readonly kind: 'command'; readonly command: readonly string[] };

/** `message` says in plain words what was found; it is the same each time the same is found. */
export interface ProbeResult {
  readonly isWell: boolean;
  readonly message: string;
}

export interface Capacity {
  readonly ram: number;
  readonly cpu: number;
  readonly devices: readonly {
    readonly model: string;
    readonly memoryMib: number;
    readonly driver: 'nvidia' | 'none';
  }[];
  /** What the engine says about itself, as labels of nodes: arch, os, docker_version. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Why a start or a pull failed, so that the control plane knows whether to try again. */
export type RuntimeErrorCode =
  /** The engine does not answer: try again, nothing is known. */
  | 'unreachable'
  | 'image_not_found'
  | 'image_pull_denied'
  | 'image_pull_failed'
  /** The engine refused the container: a bad command, a port in use, ... */
  | 'start_failed'
  /** It was made and not started, because it was not wanted any more by then. */
  | 'not_wanted'
  /** Something still uses it. */
  | 'in_use'
  | 'not_found'
  /** There is such a container, but it does not run. */
  | 'not_running'
  /** What was sent can't be used: a tar stream that is none, a directory that is a file, ... */
  | 'invalid'
  /** Nobody listens on that port of the container. */
  | 'refused';

/** `message` is the engine's reason in plain words, fit for a user; it holds no secret. */
export class RuntimeError extends Error {
  constructor(
    readonly code: RuntimeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RuntimeError';
  }
}

export interface Runtime extends SeeingIn {
  readonly kind: 'docker' | 'swarm' | 'simulated';
  /** No other process reaches its containers: what this one does not stop, nobody does. */
  readonly isPrivate?: true;

  /** Answers when the engine does; throws `unreachable` otherwise. */
  ping(): Promise<void>;

  /** What the machine behind it has. */
  capacity(): Promise<Capacity>;

  /**
   * Makes the image present. Progress is reported as plain sentences ("pulling busybox: 40 %").
   * Throws `image_not_found`, `image_pull_denied`, `image_pull_failed` or `unreachable`.
   */
  ensureImage(
    image: string,
    options: { policy: PullPolicy; credential?: RegistryCredential; onProgress?: (message: string) => void },
  ): Promise<void>;

  /**
   * Creates and starts the container, or finds the one that an earlier call made: then it is started if it never was,
   * and reported as it is, also when it has ended already. Throws `start_failed`, `image_not_found`, `not_wanted`, `unreachable`;
   * after `start_failed` and `not_wanted` no container is left behind.
   *
   * `isWanted` is asked once the container is there for all to see, and before it is started. Whoever stops it in another process says
   * so first, and looks for the container then: one of the two sees the other, however long either is held up in between, and what was
   * removed after it was made does not start.
   */
  start(spec: ContainerSpec, isWanted?: () => Promise<boolean>): Promise<ContainerState>;

  /** Signals, waits for the grace, kills. Answers once it has ended; an ended or unknown one is not an error. */
  stop(key: ContainerKey, graceSeconds: number): Promise<ContainerState | null>;

  /** Removes it whatever its state. Removing what is not there is not an error. */
  remove(key: ContainerKey): Promise<void>;

  /** Null where it does not exist. */
  inspect(key: ContainerKey): Promise<ContainerState | null>;

  /**
   * All containers of this installation (told by label), running or not; of one cluster where it is named. Of running ones,
   * `startedAt` and `ports` may be missing: `inspect` tells them.
   */
  list(clusterId?: string): Promise<readonly ContainerState[]>;

  /**
   * Looks once whether the container is well. The port need not be published where the engine is on this machine. One that does not
   * answer in time is not well; null where it does not run, so that nothing can be said. Throws `unreachable`. Whatever it answers once
   * the signal aborts, it does so soon, and it says nothing.
   */
  probe(key: ContainerKey, check: HealthCheck, timeoutMs: number, signal?: AbortSignal): Promise<ProbeResult | null>;

  /** The private networks of this installation. */
  listNetworks(): Promise<readonly NetworkKey[]>;

  /** Removes a private network. What is not there is not an error; `in_use` while a container in it runs. */
  removeNetwork(key: NetworkKey): Promise<void>;

  /** Bytes that named volumes of this installation hold, by id; those that the engine does not tell are missing. May take long. */
  volumeSizes(): Promise<ReadonlyMap<string, number>>;

  /** Removes a named volume with its data. What is not there is not an error; `in_use` while a container refers to it. */
  removeVolume(key: VolumeKey): Promise<void>;

  /** Ends when the container ends (with `follow`), at the last line (without), or when the signal aborts. */
  logs(key: ContainerKey, options: LogOptions): AsyncIterable<LogLine>;

  /**
   * Calls `onChange` when a container of ours ended or vanished, as soon as the engine says so. Hints only: a regular
   * listing finds what was missed. Resolves once it listens; rejects with `unreachable`. `onLost` is called once, if the
   * stream breaks: the caller watches anew.
   */
  watch(onChange: (state: ContainerState) => void, onLost: (error: Error) => void, signal: AbortSignal): Promise<void>;
}
