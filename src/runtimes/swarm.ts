/**
 * Containers on one node of a Docker Swarm. Each is the task of a service of its own, which the swarm is told to start once and on
 * that node; what becomes of it afterwards is told by the node's engine, as of any container.
 *
 * Mismatches that it absorbs: a service is made at once, and its container some time later, or never ("no suitable node"); a manager
 * knows neither exact times, nor ports, nor whether memory ran out; a removed service takes its container with it when it gets to
 * it; a swarm has no "none" among its networks, puts no files into containers, and reads templates where others write text; a drained
 * node ends what runs, as if it had ended by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Docker, { type ContainerInspectInfo } from 'dockerode';
import pLimit from 'p-limit';
import { accessTo } from './docker/access.ts';
import { within } from './docker/deadline.ts';
import { statusOf, toRuntimeError } from './docker/errors.ts';
import { keyOf, labels } from './docker/labels.ts';
import { toListedState, toState } from './docker/state.ts';
import {
  type Capacity,
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type Runtime,
  RuntimeError,
} from './runtime.ts';
import { toSwarmError } from './swarm/errors.ts';
import { installationOf, serviceIdLabel, serviceName } from './swarm/labels.ts';
import { overlayNetworks } from './swarm/networks.ts';
import { capacityOf, devicesOf, type EngineNode } from './swarm/nodes.ts';
import { fileSecrets } from './swarm/secrets.ts';
import { type AttachedToService, serviceSpec } from './swarm/service-spec.ts';
import { type FoundService, swarmServices } from './swarm/services.ts';
import { isEvicted, isOnItsWay, refusalOf, type Task, unsuitable, waitsInVain } from './swarm/tasks.ts';
import { always, notWanted } from './wanted.ts';

export interface SwarmRuntimeOptions {
  /** What has another installation's label, or none, is never touched. */
  readonly installationId: string;
  readonly manager: Docker.DockerOptions;
  /** As the swarm calls it. */
  readonly nodeId: string;
  /** Of that node's own engine. */
  readonly node: Docker.DockerOptions;
  /** How long an engine may take to answer, in milliseconds (30,000); a stop may take its grace beside. */
  readonly answerMs?: number;
}

/** How often one looks whether the swarm has got on, in milliseconds. */
const lookMs = 50;
/** Its agents have the image already: what takes longer is not concluded from, but looked at again by whoever starts it again. */
const startMs = 120_000;
/** What an end has just set free, the swarm hears of a moment later: "no suitable node" counts once it has lasted so long. */
const unsuitableMs = 5_000;
/** How long a removed service may take to let go of its container. */
const removalMs = 20_000;
/** A service without a container that is older is nobody's any more: its start has failed, and whoever made it has died. */
const abandonedMs = 10 * 60_000;
/** How often what was left behind is looked for. */
const orphansMs = 60_000;
const looksAtOnce = 16;

/** As containers are: one that has no container (yet) is told as created. */
const onItsWay = (key: ContainerKey): ContainerState => ({
  key,
  containerId: '',
  status: 'created',
  startedAt: null,
  finishedAt: null,
  exitCode: null,
  outOfMemory: false,
  ports: [],
});

async function asSwarm<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toSwarmError(error, 'unreachable');
  }
}

export function createSwarmRuntime({
  installationId,
  manager: managerConnection,
  nodeId,
  node: connection,
  answerMs = 30_000,
}: SwarmRuntimeOptions): Runtime {
  const installation = installationOf(installationId);
  const manager = new Docker({ ...managerConnection, timeout: answerMs });
  const access = accessTo({ installationId: installation, connection, answerMs, find, inspect });
  const { docker } = access;
  const given = { manager, answerMs, installation, nodeId };
  const services = swarmServices(given);
  const networks = overlayNetworks(given);
  const secrets = fileSecrets(given);
  /** By service: it never gets another. */
  const containers = new Map<string, string>();
  let orphansAt = Number.NEGATIVE_INFINITY;

  const nameOf = (key: ContainerKey) => serviceName(installationId, key);

  async function readNode(): Promise<EngineNode> {
    try {
      return (await within(answerMs, manager.getNode(nodeId).inspect())) as EngineNode;
    } catch (error) {
      if (statusOf(error) === 404) throw new RuntimeError('unreachable', 'the node is not in the swarm any more');
      throw toSwarmError(error, 'unreachable');
    }
  }

  /** Null where the service has none (yet). */
  async function containerOf({ id }: FoundService): Promise<ContainerInspectInfo | null> {
    try {
      const containerId = containers.get(id) ?? (await containerIdOf(id));
      if (containerId === null) return null;
      containers.set(id, containerId);
      return await within(answerMs, docker.getContainer(containerId).inspect());
    } catch (error) {
      if (statusOf(error) !== 404) throw toRuntimeError(error, 'unreachable');
      return null;
    }
  }

  /** The engine's list tells it before the manager does. */
  async function containerIdOf(serviceId: string): Promise<string | null> {
    const filters = { label: [`${serviceIdLabel}=${serviceId}`] };
    const found = await within(answerMs, docker.listContainers({ all: true, filters }));
    return found.toSorted((a, b) => a.Created - b.Created)[0]?.Id ?? null;
  }

  async function find(key: ContainerKey): Promise<ContainerInspectInfo | null> {
    const service = await services.find(nameOf(key));
    return service === null ? null : containerOf(service);
  }

  async function inspect(key: ContainerKey): Promise<ContainerState | null> {
    const service = await services.find(nameOf(key));
    if (service === null) return null;
    const info = await containerOf(service);
    if (info !== null) return stateOf(key, service, info);
    const task = await services.taskOf(service.id);
    return task === null || isOnItsWay(task) ? onItsWay(key) : null;
  }

  async function stateOf(key: ContainerKey, { id }: FoundService, info: ContainerInspectInfo): Promise<ContainerState> {
    const state = toState(key, info);
    if (state.status !== 'exited') return state;
    const task = await services.taskOf(id);
    return task !== null && isEvicted(task) ? { ...state, evicted: true } : state;
  }

  /** Makes what the service refers to, or finds what an earlier call made. */
  async function attach(spec: ContainerSpec): Promise<AttachedToService> {
    const service = nameOf(spec.key);
    try {
      const { Id: imageId } = await within(answerMs, docker.getImage(spec.image).inspect());
      const devices = spec.devices.length === 0 ? [] : devicesOf((await readNode()).Description);
      const networkId = await networkFor(spec, service);
      const mounts = await Promise.all(spec.mounts.map((mount) => access.mount(mount)));
      return { nodeId, imageId, devices, networkId, mounts, secrets: await secrets.make(service, spec.files) };
    } catch (error) {
      throw toSwarmError(error, 'start_failed');
    }
  }

  function networkFor({ key, network }: ContainerSpec, service: string): Promise<string | null> {
    if (network.mode === 'private') return networks.ensure(key, network.members);
    return network.mode === 'none' ? networks.ensureIsolated(service) : Promise.resolve(null);
  }

  /** Waits until its container was started, or won't be. */
  async function untilStarted(spec: ContainerSpec, service: FoundService): Promise<ContainerState> {
    const deadline = performance.now() + startMs;
    let vainSince: number | null = null;
    while (performance.now() < deadline) {
      const info = await containerOf(service);
      if (info !== null && info.State.Status !== 'created') return stateOf(spec.key, service, info);
      const task = await services.taskOf(service.id);
      const refusal = task === null ? null : refusalOf(task);
      if (refusal !== null) throw await told(spec.key, refusal);
      if (task !== null && waitsInVain(task)) {
        vainSince ??= performance.now();
        if (performance.now() - vainSince > unsuitableMs) throw await told(spec.key, unsuitable(task, spec.ports));
      } else vainSince = null;
      await sleep(lookMs);
    }
    throw new RuntimeError('unreachable', `the swarm did not start it within ${startMs / 1000} s`);
  }

  /** After a start that failed for good nothing is left behind. */
  async function told(key: ContainerKey, error: RuntimeError): Promise<RuntimeError> {
    if (error.code !== 'unreachable') await remove(key);
    return error;
  }

  async function remove(key: ContainerKey): Promise<void> {
    const name = nameOf(key);
    const service = await services.find(name);
    if (service === null) return;
    // Killed before the swarm would tell it to end: it is not waited for.
    const info = await containerOf(service);
    if (info !== null) await access.removeById(info.Id);
    await services.remove(service.id);
    await untilGone(service);
    containers.delete(service.id);
    await asSwarm(secrets.removeOf(name));
    await networks.removeIsolated(name);
  }

  /** Until the swarm has let go of it: it may just have been about to make the container. */
  async function untilGone(service: FoundService): Promise<void> {
    const deadline = performance.now() + removalMs;
    while ((await services.taskOf(service.id)) !== null && performance.now() < deadline) {
      const id = await containerIdOf(service.id);
      if (id !== null) await access.removeById(id);
      await sleep(lookMs);
    }
  }

  /** Null where its container is not there any more. */
  async function lookAtOne(service: FoundService): Promise<ContainerState | null> {
    const key = keyOf(installation, service.labels);
    const info = key === null ? null : await containerOf(service);
    return key === null || info === null ? null : stateOf(key, service, info);
  }

  /** Those of the services that have ended or never ran; not about all at once. */
  async function lookAt(found: readonly FoundService[]): Promise<ContainerState[]> {
    const limited = pLimit(looksAtOnce);
    const states = await Promise.all(found.map((service) => limited(() => lookAtOne(service))));
    return states.filter((state) => state !== null);
  }

  /** Those without a container: on their way, or left behind. */
  async function lookAtBare(found: readonly FoundService[]): Promise<ContainerState[]> {
    const tasks: ReadonlyMap<string, Task> = await services.tasksOfAll(found.map(({ id }) => id));
    const states: ContainerState[] = [];
    for (const service of found) {
      const task = tasks.get(service.id);
      const key = keyOf(installation, service.labels);
      if (key !== null && (task === undefined || isOnItsWay(task))) states.push(onItsWay(key));
      else if (Date.now() - service.createdAt > abandonedMs) await services.remove(service.id);
    }
    return states;
  }

  return {
    ...access.port,
    kind: 'swarm',
    inspect,
    remove,

    /** The manager answers, takes the node for ready, and the node's engine answers as well. */
    async ping() {
      const { Status, Description } = await readNode();
      if (Status.State !== 'ready') {
        throw new RuntimeError('unreachable', `${Description.Hostname} is ${Status.State} in the swarm`);
      }
      await access.port.ping();
    },

    async capacity(): Promise<Capacity> {
      return capacityOf(await readNode());
    },

    async start(spec, isWanted = always) {
      const found = await services.find(nameOf(spec.key));
      const service = found ?? (await services.create(serviceSpec(installation, spec, await attach(spec))));
      if (!service.isStarted) {
        if (!(await isWanted())) {
          await remove(spec.key);
          throw notWanted();
        }
        await services.start(service);
      }
      return untilStarted(spec, service);
    },

    async stop(key, graceSeconds) {
      const service = await services.find(nameOf(key));
      const info = service === null ? null : await containerOf(service);
      if (info?.State.Running === true) await access.stopById(info.Id, graceSeconds);
      return inspect(key);
    },

    async list(clusterId) {
      const found = await services.list(clusterId);
      const filters = { label: [`${labels.installation}=${installation}`] };
      const there = await asSwarm(within(answerMs, docker.listContainers({ all: true, filters })));
      const byService = new Map(there.map((info) => [info.Labels[serviceIdLabel] ?? '', info]));
      const states: ContainerState[] = [];
      for (const service of found) {
        const info = byService.get(service.id);
        const key = keyOf(installation, service.labels);
        const state = info === undefined || key === null ? null : toListedState(key, info);
        if (state !== null) states.push(state);
      }
      const ended = found.filter(
        ({ id }) => byService.has(id) && !states.some(({ containerId }) => containerId === byService.get(id)?.Id),
      );
      const bare = found.filter(({ id }) => !byService.has(id));
      return [...states, ...(await lookAt(ended)), ...(await lookAtBare(bare))];
    },

    async listNetworks() {
      if (performance.now() - orphansAt > orphansMs) {
        orphansAt = performance.now();
        const names = new Set((await services.list()).map(({ name }) => name));
        await asSwarm(secrets.removeOrphans(names));
        await asSwarm(networks.removeOrphans(names));
      }
      return asSwarm(networks.list());
    },

    removeNetwork: (key) => asSwarm(networks.remove(key)),
  };
}
