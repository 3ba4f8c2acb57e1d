/** What is asked of an engine about containers that are there, however they came to be: made by us, or by a swarm. */
import Docker, { type ContainerInspectInfo, type MountSettings } from 'dockerode';
import { type ContainerKey, type ContainerState, type Mount, type Runtime, RuntimeError } from '../runtime.ts';
import { readFiles, statFile, writeFiles } from './copies.ts';
import { within } from './deadline.ts';
import { dialContainer } from './dial.ts';
import { statusOf, toRuntimeError } from './errors.ts';
import { watchEvents } from './events.ts';
import { startExec } from './exec.ts';
import { resolveHostPath } from './host-paths.ts';
import { ensureImage } from './images.ts';
import { readLogs } from './logs.ts';
import { probeContainer } from './probe.ts';
import { readUsage } from './stats.ts';
import { namedVolumes } from './volumes.ts';

interface Given {
  readonly installationId: string;
  readonly connection: Docker.DockerOptions;
  /** How long the engine may take to answer, in milliseconds. */
  readonly answerMs: number;
  /** Null where there is none, or it is somebody else's. Throws `unreachable`. */
  readonly find: (key: ContainerKey) => Promise<ContainerInspectInfo | null>;
  readonly inspect: (key: ContainerKey) => Promise<ContainerState | null>;
}

/** What is the same for both of them. */
type SharedPart = Pick<
  Runtime,
  | 'ping'
  | 'ensureImage'
  | 'probe'
  | 'volumeSizes'
  | 'removeVolume'
  | 'logs'
  | 'stats'
  | 'exec'
  | 'statFile'
  | 'readFiles'
  | 'writeFiles'
  | 'dial'
  | 'watch'
>;

export interface EngineAccess {
  readonly port: SharedPart;
  readonly docker: Docker;
  /** Whether it is on the control plane's machine. */
  readonly isLocal: boolean;
  /** Makes what it refers to, or finds what an earlier call made. Throws `start_failed`. */
  mount(mount: Mount): Promise<MountSettings>;
  /** Signals one that runs, waits for the grace, kills. One that has ended or gone meanwhile is not an error. */
  stopById(id: string, graceSeconds: number): Promise<void>;
  /** By force. One that is gone is not an error. */
  removeById(id: string): Promise<void>;
}

export function accessTo({ installationId, connection, answerMs, find, inspect }: Given): EngineAccess {
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
  const volumes = namedVolumes({ docker, answerMs, installationId });
  const isLocal = connection.socketPath !== undefined;

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

  const shared: SharedPart = {
    async ping() {
      try {
        await within(answerMs, docker.ping());
      } catch (error) {
        throw new RuntimeError('unreachable', toRuntimeError(error, 'unreachable').message, { cause: error });
      }
    },

    ensureImage: (image, options) => ensureImage({ docker, patient, answerMs }, image, options),

    async probe(key, check, timeoutMs, signal) {
      const info = await find(key);
      if (info?.State.Running !== true) return null;
      // The time limit is kept as any other reason to give up.
      const limit = AbortSignal.timeout(timeoutMs);
      const until = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      return probeContainer(probing, info, check, { timeoutMs, signal: until });
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

  return {
    port: shared,
    docker,
    isLocal,

    async mount(mount) {
      const where = { Target: mount.path, ReadOnly: mount.readOnly };
      return mount.kind === 'volume'
        ? { Type: 'volume', Source: await volumes.ensure(mount.volume), ...where }
        : { Type: 'bind', Source: await resolveHostPath(mount, isLocal), ...where };
    },

    async stopById(id, graceSeconds) {
      const limitMs = graceSeconds * 1000 + answerMs;
      try {
        const enduring = new Docker({ ...connection, timeout: limitMs });
        await within(limitMs, enduring.getContainer(id).stop({ t: Math.ceil(graceSeconds) }));
      } catch (error) {
        // 304: it has ended by itself; 404: somebody removed it.
        if (statusOf(error) !== 304 && statusOf(error) !== 404) throw toRuntimeError(error, 'unreachable');
      }
    },

    async removeById(id) {
      probing.overdue.delete(id);
      try {
        await within(answerMs, docker.getContainer(id).remove({ force: true, v: true }));
      } catch (error) {
        // 404: gone already; 409: somebody's removal is under way.
        if (statusOf(error) !== 404 && statusOf(error) !== 409) throw toRuntimeError(error, 'unreachable');
      }
    },
  };
}
