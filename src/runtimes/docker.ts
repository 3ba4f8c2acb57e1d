/**
 * Containers on a Docker Engine.
 *
 * Mismatches that it absorbs: a name that is taken means "this start was made before"; the engine reports an exit before it
 * has written down why; a missing image is known only when a container is made of it.
 */
import type { Readable } from 'node:stream';
import Docker, { type ContainerInspectInfo } from 'dockerode';
import { readCapacity } from './docker/capacity.ts';
import { createOptions } from './docker/container-spec.ts';
import { statusOf, toRuntimeError } from './docker/errors.ts';
import { watchEvents } from './docker/events.ts';
import { ensureImage } from './docker/images.ts';
import { containerName, keyOf, labels } from './docker/labels.ts';
import { LogParser } from './docker/logs.ts';
import { toState } from './docker/state.ts';
import {
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type LogLine,
  type LogOptions,
  type Runtime,
  RuntimeError,
} from './runtime.ts';

export interface DockerRuntimeOptions {
  /** Containers with another installation's label, or none, are never touched. */
  readonly installationId: string;
  readonly connection: Docker.DockerOptions;
}

/** How long the engine may take to answer, in milliseconds; a stop may take its grace beside. */
const answerMs = 30_000;

export function createDockerRuntime({ installationId, connection }: DockerRuntimeOptions): Runtime {
  // Two clients: what is long by nature (stop, logs, events, pulls) has no time limit of its own.
  const docker = new Docker({ ...connection, timeout: answerMs });
  const patient = new Docker(connection);
  const nameOf = (key: ContainerKey) => containerName(installationId, key);

  /** Our container of that name; null where there is none, or it is somebody else's. */
  async function find(key: ContainerKey): Promise<ContainerInspectInfo | null> {
    try {
      const info = await docker.getContainer(nameOf(key)).inspect();
      return keyOf(installationId, info.Config.Labels) === null ? null : info;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw toRuntimeError(error, 'start_failed');
    }
  }

  async function inspect(key: ContainerKey): Promise<ContainerState | null> {
    const info = await find(key);
    return info === null ? null : toState(key, info);
  }

  /** A running one needs no second look: a listing of hundreds is one call. Its start is not in the listing. */
  async function listed(info: Docker.ContainerInfo): Promise<ContainerState | null> {
    const key = keyOf(installationId, info.Labels);
    if (key === null || info.State !== 'running') return key === null ? null : inspect(key);
    const rest = { startedAt: null, finishedAt: null, exitCode: null, outOfMemory: false, ports: [] };
    return { key, containerId: info.Id, status: 'running', ...rest };
  }

  async function create(spec: ContainerSpec): Promise<'made' | 'found'> {
    try {
      await docker.createContainer({ name: nameOf(spec.key), ...createOptions(installationId, spec) });
      return 'made';
    } catch (error) {
      if (statusOf(error) !== 409) throw toRuntimeError(error, 'start_failed');
      if ((await find(spec.key)) !== null) return 'found';
      throw new RuntimeError('start_failed', `the name ${nameOf(spec.key)} is taken by a container that is not ours`, {
        cause: error,
      });
    }
  }

  async function remove(key: ContainerKey): Promise<void> {
    const info = await find(key);
    if (info === null) return;
    try {
      await docker.getContainer(info.Id).remove({ force: true, v: true });
    } catch (error) {
      // 404: gone already; 409: somebody's removal is under way.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw toRuntimeError(error, 'not_found');
    }
  }

  async function run(key: ContainerKey): Promise<void> {
    try {
      await docker.getContainer(nameOf(key)).start();
    } catch (error) {
      if (statusOf(error) === 304) return; // It runs already.
      const known = toRuntimeError(error, 'start_failed');
      if (known.code !== 'unreachable') await remove(key);
      throw known;
    }
  }

  return {
    kind: 'docker',

    async ping() {
      try {
        await docker.ping();
      } catch (error) {
        throw new RuntimeError('unreachable', toRuntimeError(error, 'unreachable').message, { cause: error });
      }
    },

    async capacity() {
      try {
        return await readCapacity(docker);
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    ensureImage: (image, options) => ensureImage(patient, image, options),

    async start(spec) {
      if ((await create(spec)) === 'found') {
        const state = await inspect(spec.key);
        if (state !== null && state.status !== 'created') return state;
      }
      await run(spec.key);
      const state = await inspect(spec.key);
      if (state === null) throw new RuntimeError('start_failed', 'the container vanished while it was started');
      return state;
    },

    inspect,
    remove,

    async stop(key, graceSeconds) {
      const info = await find(key);
      if (info === null) return null;
      try {
        if (info.State.Running) await patient.getContainer(info.Id).stop({ t: graceSeconds });
      } catch (error) {
        if (statusOf(error) !== 304 && statusOf(error) !== 404) throw toRuntimeError(error, 'not_found');
      }
      return inspect(key);
    },

    async list(clusterId) {
      const filter = [`${labels.installation}=${installationId}`];
      if (clusterId !== undefined) filter.push(`${labels.cluster}=${clusterId}`);
      try {
        const found = await docker.listContainers({ all: true, filters: { label: filter } });
        const states = await Promise.all(found.map((one) => listed(one)));
        return states.filter((state) => state !== null);
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },

    logs: (key, options) => readLogs(patient, find, key, options),

    async watch(onChange, onLost, signal) {
      try {
        await watchEvents({ docker: patient, installationId, inspect, onChange, onLost, signal });
      } catch (error) {
        throw toRuntimeError(error, 'unreachable');
      }
    },
  };
}

async function* readLogs(
  docker: Docker,
  find: (key: ContainerKey) => Promise<ContainerInspectInfo | null>,
  key: ContainerKey,
  options: LogOptions,
): AsyncGenerator<LogLine> {
  const info = await find(key);
  if (info === null) throw new RuntimeError('not_found', 'the container is gone');
  const stream = await openLogs(docker, info.Id, options);
  options.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
  const parser = new LogParser();
  try {
    for await (const chunk of stream) yield* wanted(parser.push(chunk as Buffer), options);
    yield* wanted(parser.flush(), options);
  } catch (error) {
    if (options.signal?.aborted !== true) throw toRuntimeError(error, 'unreachable');
  } finally {
    stream.destroy();
  }
}

/** The engine knows `since` in whole seconds for some drivers: the rest is left out here. */
function wanted(lines: readonly LogLine[], { since }: LogOptions): LogLine[] {
  return lines.filter((line) => since === undefined || line.at >= since);
}

async function openLogs(docker: Docker, id: string, { tail, since, follow = false }: LogOptions): Promise<Readable> {
  const query = {
    stdout: true,
    stderr: true,
    timestamps: true,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since: Math.floor(since / 1000) }),
  };
  try {
    if (follow) return (await docker.getContainer(id).logs({ ...query, follow: true })) as Readable;
    const { Readable: streams } = await import('node:stream');
    return streams.from([await docker.getContainer(id).logs({ ...query, follow: false })]);
  } catch (error) {
    throw toRuntimeError(error, 'not_found');
  }
}
