/**
 * Containers on a Docker Engine.
 *
 * Mismatches that it absorbs: a name that is taken means "this start was made before"; the engine reports an end before it
 * has written down why; a missing image is known only when a container is made of it; a removed container's end is told by the
 * event alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import pLimit from 'p-limit';
import { accessTo } from './docker/access.ts';
import { readCapacity } from './docker/capacity.ts';
import { type Attached, createOptions } from './docker/container-spec.ts';
import { within } from './docker/deadline.ts';
import { statusOf, toRuntimeError } from './docker/errors.ts';
import { putFiles } from './docker/files.ts';
import { containerName, keyOf, labels } from './docker/labels.ts';
import { privateNetworks } from './docker/networks.ts';
import { toListedState, toState } from './docker/state.ts';
import { defaultNetworkRange, parseBlock } from './docker/subnets.ts';
import {
  type ContainerFile,
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type Runtime,
  RuntimeError,
} from './runtime.ts';
import { always, notWanted } from './wanted.ts';

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
  const access = accessTo({ installationId, connection, answerMs, find, inspect });
  const { docker, isLocal } = access;
  const nameOf = (key: ContainerKey) => containerName(installationId, key);
  const range = parseBlock(networkRange);
  if (range === null)
    throw new Error(`the range of networks is "${networkRange}"; it must be a block like 10.199.0.0/16`);
  const networks = privateNetworks({ docker, answerMs, installationId, range });

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

  async function inspect(key: ContainerKey): Promise<ContainerState | null> {
    const info = await find(key);
    return info === null ? null : toState(key, info);
  }

  /** Makes what the container refers to, or finds what an earlier call made. */
  async function attach({ key, network, mounts }: ContainerSpec): Promise<Attached> {
    try {
      const networkId = network.mode === 'private' ? await networks.ensure(key, network.members) : null;
      return { networkId, mounts: await Promise.all(mounts.map((mount) => access.mount(mount))) };
    } catch (error) {
      throw toRuntimeError(error, 'start_failed');
    }
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

  async function run(id: string, files: readonly ContainerFile[]): Promise<void> {
    const container = docker.getContainer(id);
    try {
      // Also of one that an earlier call made: it may have ended before they were put there.
      await putFiles(container, files, answerMs);
      await within(answerMs, container.start());
    } catch (error) {
      if (statusOf(error) === 304) return; // It runs already.
      const known = toRuntimeError(error, 'start_failed');
      if (known.code !== 'unreachable') await access.removeById(id);
      throw known;
    }
  }

  /** How the ended ones of a listing ended. Null where it has gone in between. */
  async function lookAtEnded(keys: readonly ContainerKey[]): Promise<(ContainerState | null)[]> {
    const limited = pLimit(looksAtOnce);
    return Promise.all(keys.map((key) => limited(() => inspect(key))));
  }

  return {
    ...access.port,
    kind: 'docker',
    inspect,

    async capacity() {
      try {
        return await within(answerMs, readCapacity(docker, isLocal));
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    async start(spec, isWanted = always) {
      const { id, found } = await create(spec);
      if (found !== null && found.State.Status !== 'created') return toState(spec.key, found);
      if (!(await isWanted())) {
        await access.removeById(id);
        throw notWanted();
      }
      await run(id, spec.files);
      const state = await inspect(spec.key);
      if (state === null) throw new RuntimeError('start_failed', 'the container was removed while it was started');
      return state;
    },

    async stop(key, graceSeconds) {
      const info = await find(key);
      if (info === null) return null;
      if (!info.State.Running) return toState(key, info);
      await access.stopById(info.Id, graceSeconds);
      return inspect(key);
    },

    async remove(key) {
      const info = await find(key);
      if (info !== null) await access.removeById(info.Id);
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
  };
}
