import pLimit from 'p-limit';
import type { Logger } from 'pino';
import type { Task } from '../queue/task-queue.ts';
import {
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type RegistryCredential,
  type Runtime,
  RuntimeError,
} from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { appendEvents } from '../store/events.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import { areToStart, type EngineKey, isKnownRun, readWork, type Work, type WorkReplica } from '../store/work.ts';
import { attributesOf, tracedFor } from '../tracing/spans.ts';
import { batched } from './batched.ts';
import { createCleanUp } from './clean-up.ts';
import { type DeploymentData, readDeploymentData } from './deployment-data.ts';
import { gangEnvironment, networkOf } from './gang.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import type { Observations } from './observations.ts';
import { recordState } from './state-observations.ts';

/** How many containers an engine is asked to start at once: more would only wait inside of it, and run into its time limits. */
const startsAtOnce = 16;

interface Given {
  readonly db: Database;
  readonly log: Logger;
  readonly runtimeOf: (engine: EngineKey) => Runtime;
  readonly observations: Observations;
  /** Of the secrets that containers get. */
  readonly secretKey: Keyring;
  readonly credentialFor: (organizationId: string, image: string) => Promise<RegistryCredential | undefined>;
  /** The engine did not answer: whoever watches over it should look. */
  readonly onUnreachable: (engine: EngineKey, error: Error) => void;
  readonly onEvents: () => void;
  readonly onDone: (kind: Task['kind'], result: 'done' | 'failed', seconds: number) => void;
}

interface Deps extends Given {
  /** Whether it is still to be started: others may have said otherwise while its image was pulled. */
  readonly isWanted: (key: ContainerKey) => Promise<boolean>;
  /** Begins a start when its engine has room for it. */
  readonly limited: <T>(engine: EngineKey, start: () => Promise<T>) => Promise<T>;
}

/**
 * Carries out tasks. A task says only which deployment to look at; what is done follows from its row: a task that comes late,
 * twice, or after the user changed their mind finds nothing to do.
 */
export function createWorker(given: Given): (task: Task) => Promise<void> {
  const isWanted = batched<ContainerKey, boolean>((keys) => areToStart(given.db, keys), { oneAtATime: true });
  const deps: Deps = { ...given, limited: limitedByEngine(), isWanted };
  // A stop waits for a start under way here, and so finds its container. Where it is of another process, see Runtime.start.
  const turns = new KeyedMutex();
  const underWay = new Set<string>();
  const cleanUp = createCleanUp(deps);
  const load = batched<string, Work | null>(async (ids) => {
    const found = await readWork(deps.db, ids);
    return ids.map((id) => found.get(id) ?? null);
  });

  async function startOrStop(task: Task): Promise<void> {
    const work = await load(task.deploymentId);
    if (work === null || work.deployment.attempt !== task.attempt) return;
    const { id, attempt, trace_parent: traceParent } = work.deployment;
    await tracedFor(traceParent, task.kind, attributesOf(id, attempt), () => carryOutOn(work, task));
  }

  async function carryOutOn(work: Work, task: Task): Promise<void> {
    // Of a running one too: replicas that are started again.
    const { status } = work.deployment;
    if (task.kind === 'start' && (status === 'starting' || status === 'running')) await startAll(deps, work);
    if (task.kind === 'stop' && status === 'stopping') await stopAll(deps, work);
    if (task.kind === 'replace' && status === 'running') await stopReplaced(deps, work);
  }

  async function carryOut(task: Task): Promise<void> {
    const startedAt = performance.now();
    const done = (result: 'done' | 'failed') => deps.onDone(task.kind, result, (performance.now() - startedAt) / 1000);
    try {
      await (task.kind === 'clean' ? cleanUp(task) : startOrStop(task));
      done('done');
    } catch (error) {
      done('failed');
      deps.log.error({ err: error, ...aboutTask(task) }, 'a task failed; the sweep sends it again');
    }
  }

  return async (task) => {
    const name = `${task.kind}/${task.deploymentId}/${task.attempt}`;
    // Somebody is at it: to wait for them, only to find it done, would keep others' work waiting (a pull may take minutes).
    if (underWay.has(name)) return;
    underWay.add(name);
    try {
      // What is replaced has been started: its stop, which may take its grace, need not keep the others' starts waiting.
      await turns.run(task.kind === 'replace' ? name : task.deploymentId, () => carryOut(task));
    } finally {
      underWay.delete(name);
    }
  };
}

/** As the log names them everywhere. */
function aboutTask({ kind, deploymentId, attempt }: Task) {
  return { deployment: deploymentId, attempt, task: kind };
}

function limitedByEngine(): Deps['limited'] {
  const limits = new Map<string | null, ReturnType<typeof pLimit>>();
  return ({ runtime, engineId }, start) => {
    if (runtime === 'simulated') return start();
    let limit = limits.get(engineId);
    if (limit === undefined) limits.set(engineId, (limit = pLimit(startsAtOnce)));
    return limit(start);
  };
}

/** The replicas by the engine that they are on. */
function byEngine(work: Work, replicas: readonly WorkReplica[]): [EngineKey, WorkReplica[]][] {
  const groups = new Map<string | null, WorkReplica[]>();
  for (const replica of replicas) {
    const others = groups.get(replica.engine_id);
    if (others === undefined) groups.set(replica.engine_id, [replica]);
    else others.push(replica);
  }
  return [...groups].map(([engineId, of]) => [{ runtime: work.deployment.runtime, engineId }, of]);
}

/** Where an engine does not answer, its replicas wait, and the others start. */
async function startAll(deps: Deps, work: Work): Promise<void> {
  const replicas = work.replicas.filter((replica) => replica.status === 'starting' && replica.reachable);
  await Promise.all(byEngine(work, replicas).map(([engine, of]) => startThere(deps, engine, work, of)));
}

async function startThere(deps: Deps, engine: EngineKey, work: Work, replicas: readonly WorkReplica[]): Promise<void> {
  const byImage = new Map<string, WorkReplica[]>();
  for (const replica of replicas) {
    const image = imageOf(work, replica);
    byImage.set(image, [...(byImage.get(image) ?? []), replica]);
  }
  await Promise.all([...byImage].map(([image, of]) => startOfImage(deps, engine, work, image, of)));
}

/** Where a service is being updated, some of its replicas are of one revision, and some of another. */
function imageOf({ deployment }: Work, { spec }: WorkReplica): string {
  return spec?.docker_image ?? deployment.docker_image;
}

async function startOfImage(
  deps: Deps,
  engine: EngineKey,
  work: Work,
  image: string,
  replicas: readonly WorkReplica[],
): Promise<void> {
  const runtime = deps.runtimeOf(engine);
  let data: DeploymentData | null = null;
  try {
    data = await readDeploymentData(deps.db, deps.secretKey, work.deployment, engine.engineId);
    const found = data;
    await pull(deps, runtime, work, image);
    await Promise.all(
      replicas.map(async (replica) => {
        const state = await startOne(deps, engine, specOf(work, replica, found));
        if (state !== null) await report(deps, runtime, state);
      }),
    );
  } catch (error) {
    await startFailed(deps, engine, work, replicas, withoutSecrets(error, data));
  }
}

/** Null where it was not to be started any more: whoever said so sees to the rest. */
async function startOne(deps: Deps, engine: EngineKey, spec: ContainerSpec): Promise<ContainerState | null> {
  const runtime = deps.runtimeOf(engine);
  const isWanted = runtime.isPrivate === true ? undefined : () => deps.isWanted(spec.key);
  try {
    return await deps.limited(engine, () => runtime.start(spec, isWanted));
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'not_wanted') return null;
    throw error;
  }
}

async function pull(deps: Deps, runtime: Runtime, work: Work, image: string): Promise<void> {
  const { deployment } = work;
  const credential = await deps.credentialFor(deployment.organization_id, image);
  await runtime.ensureImage(image, {
    policy: deployment.pull_policy,
    ...(credential === undefined ? {} : { credential }),
    onProgress: (message) => {
      appendEvents(deps.db, [
        {
          organizationId: deployment.organization_id,
          clusterId: deployment.cluster_id,
          deploymentId: deployment.id,
          type: 'deployment.progress',
          message,
        },
      ]).then(deps.onEvents, (error: unknown) =>
        deps.log.debug({ err: error, deployment: deployment.id }, 'progress was not written down'),
      );
    },
  });
}

/** What an engine says of a container may hold what the container was given. */
function withoutSecrets(error: unknown, data: DeploymentData | null): unknown {
  if (data === null || !(error instanceof RuntimeError)) return error;
  const message = data.mask(error.message);
  return message === error.message ? error : new RuntimeError(error.code, message);
}

/**
 * Tells what a container is doing. One whose run is unknown, because the deployment was deleted meanwhile, is removed; one
 * that has ended already, as somebody else saw first, is left to the cleaning up, which keeps its log.
 */
async function report(deps: Deps, runtime: Runtime, state: ContainerState): Promise<void> {
  const recorded = await recordState(deps.observations, state);
  if (recorded === null && !(await isKnownRun(deps.db, state.key))) await runtime.remove(state.key);
}

/**
 * A start that failed for good ends the replicas that did not come up; those that did are stopped through the deployment's
 * status. An engine that does not answer is not a failure: nothing is known, and the sweep sends the task again.
 */
async function startFailed(
  deps: Deps,
  engine: EngineKey,
  work: Work,
  replicas: readonly WorkReplica[],
  error: unknown,
): Promise<void> {
  if (!(error instanceof RuntimeError)) throw error;
  if (error.code === 'unreachable') {
    deps.onUnreachable(engine, error);
    return;
  }
  const runtime = deps.runtimeOf(engine);
  for (const replica of replicas) {
    const key = keyOf(work, replica);
    const state = await runtime.inspect(key);
    if (state !== null && state.status !== 'created') {
      await report(deps, runtime, state);
      continue;
    }
    await runtime.remove(key);
    await deps.observations.record({
      kind: 'ended',
      deploymentId: key.deploymentId,
      attempt: key.attempt,
      replica: key.replica,
      run: key.run,
      exitCode: null,
      outOfMemory: false,
      at: Date.now(),
      cause: { code: error.code, message: error.message },
    });
  }
}

/** What is on an engine that does not answer is stopped when it does, or given up. */
async function stopAll(deps: Deps, work: Work): Promise<void> {
  // Who waits for its next start needs no engine to be stopped.
  await Promise.all(
    work.replicas.filter(({ status }) => status === 'restarting').map((one) => callOff(deps, work, one)),
  );
  await stopThese(
    deps,
    work,
    work.replicas.filter(({ status }) => status !== 'restarting' && status !== 'ended'),
  );
}

/** Of a service that goes on, those that are replaced or taken away. */
async function stopReplaced(deps: Deps, work: Work): Promise<void> {
  const replicas = work.replicas.filter(({ status }) => status === 'replacing' || status === 'removing');
  await stopThese(deps, work, replicas);
}

async function stopThese(deps: Deps, work: Work, replicas: readonly WorkReplica[]): Promise<void> {
  const there = replicas.filter(({ reachable }) => reachable);
  await Promise.all(byEngine(work, there).map(([engine, of]) => stopThere(deps, engine, work, of)));
}

async function callOff(deps: Deps, work: Work, replica: WorkReplica): Promise<void> {
  const { deploymentId, attempt, run } = keyOf(work, replica);
  await deps.observations.record({ kind: 'called_off', deploymentId, attempt, replica: replica.index, run });
}

async function stopThere(deps: Deps, engine: EngineKey, work: Work, replicas: readonly WorkReplica[]): Promise<void> {
  const runtime = deps.runtimeOf(engine);
  try {
    await Promise.all(replicas.map((replica) => stopOne(deps, runtime, work, replica)));
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'unreachable') throw error;
    deps.onUnreachable(engine, error);
  }
}

async function stopOne(deps: Deps, runtime: Runtime, work: Work, replica: WorkReplica): Promise<void> {
  const key = keyOf(work, replica);
  const state = await runtime.stop(key, work.deployment.stop_grace_s);
  if (state !== null && state.status === 'exited') {
    if (work.deployment.delete_when_ended) await runtime.remove(key);
    await recordState(deps.observations, state);
    return;
  }
  // Made but never started, or not there at all: nothing of it may be left before its resources are given away.
  await runtime.remove(key);
  await deps.observations.record({
    kind: 'ended',
    deploymentId: key.deploymentId,
    attempt: key.attempt,
    replica: key.replica,
    run: key.run,
    exitCode: null,
    outOfMemory: false,
    at: Date.now(),
    cause: { code: 'stopped', message: 'was stopped before it started' },
  });
}

function keyOf({ deployment }: Work, { index, run }: WorkReplica): ContainerKey {
  const { cluster_id: clusterId, id: deploymentId, attempt } = deployment;
  return { clusterId, deploymentId, attempt, replica: index, run };
}

/** What an element of an array finds in its environment. */
function arrayVariables({
  array_id: id,
  array_index: index,
  array_count: count,
}: Work['deployment']): Record<string, string> {
  if (id === null) return {};
  return {
    HYPERVISOR_ARRAY_ID: id,
    HYPERVISOR_ARRAY_INDEX: String(index),
    HYPERVISOR_ARRAY_COUNT: String(count),
  };
}

function specOf(work: Work, replica: WorkReplica, data: DeploymentData): ContainerSpec {
  const { deployment } = work;
  const { command, env } = replica.spec ?? deployment;
  return {
    key: keyOf(work, replica),
    image: imageOf(work, replica),
    command,
    env: {
      // Whoever traces inside of it goes on with the same trace.
      ...(deployment.trace_parent === null ? {} : { TRACEPARENT: deployment.trace_parent }),
      ...env,
      ...data.env,
      ...gangEnvironment(deployment, replica.index),
      ...arrayVariables(deployment),
    },
    ports: deployment.ports,
    labels: deployment.labels,
    resources: { ram: replica.ram, cpu: replica.cpu, gpu: replica.gpu },
    devices: replica.devices,
    gpuDriver: replica.gpu_driver,
    stopGraceSeconds: deployment.stop_grace_s,
    stopSignal: deployment.stop_signal,
    mounts: data.mounts,
    files: data.files,
    network: networkOf(deployment, replica.index),
  };
}
