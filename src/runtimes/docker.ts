/**
 * Containers on a Docker Engine.
 *
 * Mismatches that it absorbs: a name that is taken means "this start was made before"; the engine reports an end before it
 * has written down why; a missing image is known only when a container is made of it; a removed container's end is told by the
 * event alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Docker, { type ContainerInspectInfo, type MountSettings } from 'dockerode';
import { readCapacity } from './docker/capacity.ts';
import { type Attached, createOptions } from './docker/container-spec.ts';
import { readFiles, statFile, writeFiles } from './docker/copies.ts';
import { within } from './docker/deadline.ts';
import { dialContainer } from './docker/dial.ts';
import { statusOf, toRuntimeError } from './docker/errors.ts';
import { watchEvents } from './docker/events.ts';
import { startExec } from './docker/exec.ts';
import { putFiles } from './docker/files.ts';
import { resolveHostPath } from './docker/host-paths.ts';
import { ensureImage } from './docker/images.ts';
import { containerName, keyOf, labels } from './docker/labels.ts';
import { readLogs } from './docker/logs.ts';
import { privateNetworks } from './docker/networks.ts';
import { probeContainer } from './docker/probe.ts';
import { toListedState, toState } from './docker/state.ts';
import { readUsage } from './docker/stats.ts';
import { defaultNetworkRange, parseBlock } from './docker/subnets.ts';
import { namedVolumes } from './docker/volumes.ts';
import {
  type ContainerFile,
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type Mount,
  type Runtime,
  RuntimeError,
} from './runtime.ts';

export interface DockerRuntimeOptions {
  /** Containers with another installation's label, or none, are never touched. */
  readonly installationId: string;
  readonly connection: Docker.DockerOptions;
  /** How long the engine may take to answer, in milliseconds (30,000); a stop may take its grace beside. */
  readonly answerMs?: number;
  /** Out of which private networks get their addresses: a block like "10.199.0.0/16". */
  readonly networkRange?: string;
}

/** How many ended containers of a listing are looked at at once. */
const looksAtOnce = 16;
/** How soon, and how often, one looks again for the container that a name is taken for: some seconds in all. */
const reservedMs = 50;
const reservedLooks = 100;

/** Throws where the range of its networks is none. */
export function createDockerRuntime({
  installationId,
  connection,
  answerMs = 30_000,
  networkRange = defaultNetworkRange,
}: DockerRuntimeOptions): Runtime {
  // The second is for what is long by nature (logs, events, pulls) and has no time limit of its own.
  const docker = new Docker({ ...connection, timeout: answerMs });
  const patient = new Docker(connection);
  const probing = {
    docker,
    patient,
    answerMs,
    remoteHost: connection.host ?? null,
    overdue: new Map<string, string>(),
  };
  const nameOf = (key: ContainerKey) => containerName(installationId, key);
  const range = parseBlock(networkRange);
  if (range === null)
    throw new Error(`the range of networks is "${networkRange}"; it must be a block like 10.199.0.0/16`);
  const networks = privateNetworks({ docker, answerMs, installationId, range });
  const volumes = namedVolumes({ docker, answerMs, installationId });
  const isLocal = connection.socketPath !== undefined;

  /** The container of that name, whoever's it is. */
  async function look(key: ContainerKey): Promise<ContainerInspectInfo | null> {
    try {
      return await within(answerMs, docker.getContainer(nameOf(key)).inspect());
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw toRuntimeError(error, 'unreachable');
    }
  }

  const isOurs = (info: ContainerInspectInfo) => keyOf(installationId, info.Config.Labels) !== null;

  /** Null where there is none, or it is somebody else's. */
  async function find(key: ContainerKey): Promise<ContainerInspectInfo | null> {
    const info = await look(key);
    return info !== null && isOurs(info) ? info : null;
  }

  /** For what can't be done without it. */
  async function get(key: ContainerKey): Promise<ContainerInspectInfo> {
    const info = await find(key);
    if (info === null) throw new RuntimeError('not_found', 'the container is gone');
    return info;
  }

  /** By its id: one of the same name that comes after it is another. */
  const both = ({ Id }: ContainerInspectInfo) => ({
    container: docker.getContainer(Id),
    patient: patient.getContainer(Id),
    answerMs,
    isLocal,
  });

  async function inspect(key: ContainerKey): Promise<ContainerState | null> {
    const info = await find(key);
    return info === null ? null : toState(key, info);
  }

  /** Makes what the container refers to, or finds what an earlier call made. */
  async function attach({ key, network, mounts }: ContainerSpec): Promise<Attached> {
    try {
      const networkId = network.mode === 'private' ? await networks.ensure(key, network.members) : null;
      return { networkId, mounts: await Promise.all(mounts.map(toEngineMount)) };
    } catch (error) {
      throw toRuntimeError(error, 'start_failed');
    }
  }

  async function toEngineMount(mount: Mount): Promise<MountSettings> {
    const where = { Target: mount.path, ReadOnly: mount.readOnly };
    return mount.kind === 'volume'
      ? { Type: 'volume', Source: await volumes.ensure(mount.volume), ...where }
      : { Type: 'bind', Source: await resolveHostPath(mount, isLocal), ...where };
  }

  /**
   * Makes the container, or finds the one that an earlier call made. The engine takes the name before there is a container to
   * look at: while another create of the same name is under way (of a process that was killed, say), there is nothing to find
   * yet. One that was removed in between leaves the name free.
   */
  async function create(spec: ContainerSpec): Promise<{ id: string; found: ContainerInspectInfo | null }> {
    const name = nameOf(spec.key);
    const wanted = { name, ...createOptions(installationId, spec, await attach(spec)) };
    for (let looks = 0; looks < reservedLooks; looks += 1) {
      try {
        const { id } = await within(answerMs, docker.createContainer(wanted));
        return { id, found: null };
      } catch (error) {
        if (statusOf(error) !== 409) throw toRuntimeError(error, 'start_failed');
      }
      const found = await look(spec.key);
      if (found !== null && isOurs(found)) return { id: found.Id, found };
      if (found !== null) {
        throw new RuntimeError('start_failed', `the name ${name} is taken by a container that is not ours`);
      }
      await sleep(reservedMs);
    }
    throw new RuntimeError(
      'unreachable',
      `the Docker Engine holds the name ${name} for a container that it does not show`,
    );
  }

  async function removeById(id: string): Promise<void> {
    try {
      await within(answerMs, docker.getContainer(id).remove({ force: true, v: true }));
    } catch (error) {
      // 404: gone already; 409: somebody's removal is under way.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw toRuntimeError(error, 'unreachable');
    }
  }

  async function run(id: string, files: readonly ContainerFile[]): Promise<void> {
    const container = docker.getContainer(id);
    try {
      // Also of one that an earlier call made: it may have ended before they were put there.
      await putFiles(container, files, answerMs);
      await within(answerMs, container.start());
    } catch (error) {
      if (statusOf(error) === 304) return; // It runs already.
      const known = toRuntimeError(error, 'start_failed');
      if (known.code !== 'unreachable') await removeById(id);
      throw known;
    }
  }

  /** How the ended ones of a listing ended. Null where it has gone in between. */
  async function lookAtEnded(keys: readonly ContainerKey[]): Promise<(ContainerState | null)[]> {
    const states: (ContainerState | null)[] = [];
    for (let at = 0; at < keys.length; at += looksAtOnce) {
      states.push(...(await Promise.all(keys.slice(at, at + looksAtOnce).map((key) => inspect(key)))));
    }
    return states;
  }

  return {
    kind: 'docker',
    inspect,

    async ping() {
      try {
        await within(answerMs, docker.ping());
      } catch (error) {
        throw new RuntimeError('unreachable', toRuntimeError(error, 'unreachable').message, { cause: error });
      }
    },

    async capacity() {
      try {
        return await within(answerMs, readCapacity(docker, isLocal));
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    ensureImage: (image, options) => ensureImage({ docker, patient, answerMs }, image, options),

    async start(spec) {
      const { id, found } = await create(spec);
      if (found !== null && found.State.Status !== 'created') return toState(spec.key, found);
      await run(id, spec.files);
      const state = await inspect(spec.key);
      if (state === null) throw new RuntimeError('start_failed', 'the container was removed while it was started');
      return state;
    },

    async stop(key, graceSeconds) {
      const info = await find(key);
      if (info === null) return null;
      if (!info.State.Running) return toState(key, info);
      const limitMs = graceSeconds * 1000 + answerMs;
      try {
        const enduring = new Docker({ ...connection, timeout: limitMs });
        await within(limitMs, enduring.getContainer(info.Id).stop({ t: Math.ceil(graceSeconds) }));
      } catch (error) {
        // 304: it has ended by itself; 404: somebody removed it.
        if (statusOf(error) !== 304 && statusOf(error) !== 404) throw toRuntimeError(error, 'unreachable');
      }
      return inspect(key);
    },

    async remove(key) {
      const info = await find(key);
      if (info === null) return;
      probing.overdue.delete(info.Id);
      await removeById(info.Id);
    },

    async list(clusterId) {
      const label = [`${labels.installation}=${installationId}`];
      if (clusterId !== undefined) label.push(`${labels.cluster}=${clusterId}`);
      try {
        const found = await within(answerMs, docker.listContainers({ all: true, filters: { label } }));
        const states: ContainerState[] = [];
        const ended: ContainerKey[] = [];
        for (const info of found) {
          const key = keyOf(installationId, info.Labels);
          if (key === null) continue;
          const state = toListedState(key, info);
          if (state === null) ended.push(key);
          else states.push(state);
        }
        return [...states, ...(await lookAtEnded(ended)).filter((state) => state !== null)];
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    async probe(key, check, timeoutMs, signal) {
      const info = await find(key);
      if (info?.State.Running !== true) return null;
      // The time limit is kept as any other reason to give up.
      const limit = AbortSignal.timeout(timeoutMs);
      const until = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      return probeContainer(probing, info, check, { timeoutMs, signal: until });
    },

    async listNetworks() {
      try {
        return await networks.list();
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    async removeNetwork(key) {
      try {
        await networks.remove(key);
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    async volumeSizes() {
      try {
        return await volumes.sizes();
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    removeVolume: (key) => volumes.remove(key),

    async *logs(key, options) {
      const info = await get(key);
      yield* readLogs(patient.getContainer(info.Id), options, answerMs);
    },

    async stats(key) {
      const info = await get(key);
      return readUsage(docker.getContainer(info.Id), info, answerMs, isLocal);
    },

    exec: async (key, options) => startExec(both(await get(key)), options),
    statFile: async (key, path) => statFile(both(await get(key)), path),
    readFiles: async (key, path) => readFiles(both(await get(key)), path),
    writeFiles: async (key, directory, tar, signal) => writeFiles(both(await get(key)), directory, tar, signal),
    dial: (key, port) => dialContainer(() => find(key), port, isLocal),

    async watch(onChange, onLost, signal) {
      try {
        await watchEvents({ docker: patient, answerMs, installationId, inspect, onChange, onLost, signal });
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },
  };
}
