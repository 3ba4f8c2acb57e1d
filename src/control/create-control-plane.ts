import type { Logger } from 'pino';
import { isFinal } from '../core/lifecycle.ts';
import type { Task, TaskQueue } from '../queue/task-queue.ts';
import type { RegistryCredential, Runtime } from '../runtimes/runtime.ts';
import { createSolver } from '../solver/solver.ts';
import type { Database } from '../store/database.ts';
import { noteCapacity, type StoredEngine } from '../store/engines.ts';
import type { Progress } from '../store/observations.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import type { RuntimeKind } from '../store/tables.ts';
import type { AddressRules } from '../webhooks/addresses.ts';
import type { ControlPlane } from './control-plane.ts';
import { type ConnectedEngine, openEngines } from './engines.ts';
import { startHealth } from './health.ts';
import type { ControlMetrics } from './metrics.ts';
import { createObservations } from './observations.ts';
import { startObserver } from './observer.ts';
import { startSampler } from './sampler.ts';
import { startScheduler } from './scheduler.ts';
import { type SubmitScheduled, startSchedules } from './schedules.ts';
import { startSettler } from './settler.ts';
import { startSweeper } from './sweeper.ts';
import { createTaskSender } from './task-sender.ts';
import { startUpdates } from './updates.ts';
import { startUsageWatch } from './usage.ts';
import { startWebhooks } from './webhooks.ts';
import { createWorker } from './worker.ts';

export interface ControlPlaneDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly queue: TaskQueue;
  readonly metrics: ControlMetrics;
  /** The installation's own engines. */
  readonly runtimes: Readonly<Record<RuntimeKind, Runtime>>;
  /** Of the secrets that containers get, and of those that sign for webhooks. */
  readonly secretKey: Keyring;
  /** Those that people added. */
  readonly readEngines: () => Promise<StoredEngine[]>;
  readonly connect: (engine: Pick<StoredEngine, 'address' | 'credentials'>) => ConnectedEngine;
  readonly submitScheduled: SubmitScheduled;
  readonly credentialFor: (organizationId: string, image: string) => Promise<RegistryCredential | undefined>;
  readonly webhookRules: AddressRules;
}

/**
 * Starts the loops and ties them together: what is admitted is started, what ends makes room, what was lost is found. The ties
 * are hints; each loop would get there by itself a little later.
 */
export async function createControlPlane(deps: ControlPlaneDeps): Promise<ControlPlane & { close(): Promise<void> }> {
  const { db, log, queue, runtimes, metrics } = deps;
  const listeners = new Set<() => void>();
  const tellListeners = () => {
    for (const listener of listeners) listener();
  };

  const tasks = createTaskSender(queue, log);
  const send = (those: readonly Task[]) => tasks.send(those);

  const onProgress = (progress: readonly Progress[]) => {
    tellListeners();
    for (const one of progress) if (one.freed) scheduler.wake(one.clusterId);
    if (progress.some(({ changed, status }) => changed && isFinal(status))) settler.now();
    send(progress.flatMap(tasksAfter));
  };

  const observations = createObservations(db, onProgress);
  const solver = createSolver({ log });
  const scheduler = startScheduler({
    db,
    log,
    solver,
    onPass: (summary, counts) => metrics.passed(summary, counts),
    onAdmitted: (admitted) => {
      tellListeners();
      send(admitted.map(({ id, attempt }) => ({ kind: 'start', deploymentId: id, attempt })));
    },
    onStopping: (stopping) => {
      tellListeners();
      send(stopping.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt })));
    },
  });
  const webhooks = startWebhooks({
    db,
    log,
    secretKey: deps.secretKey,
    rules: deps.webhookRules,
    random: Math.random,
    onEvents: tellListeners,
  });
  listeners.add(() => webhooks.now());
  const sweeper = startSweeper({ db, log, send, onRoom: (clusterId) => scheduler.wake(clusterId) });
  // Before the observers: what they see first may let somebody go that waited for it.
  const settler = startSettler({
    db,
    log,
    onReleased: (clusterId) => scheduler.wake(clusterId),
    onEvents: tellListeners,
  });
  const engines = await openEngines({
    log,
    own: runtimes,
    readEngines: deps.readEngines,
    connect: deps.connect,
    observe: (engine, runtime) =>
      startObserver({
        db,
        log,
        engine,
        runtime,
        observations,
        onReachable(answering) {
          sweeper.now();
          const { engineId } = engine;
          if (engineId === null) return;
          answering
            .capacity()
            .then((found) => noteCapacity(db, engineId, found))
            .catch((error: unknown) => log.debug({ err: error }, 'what an engine has was not noted'));
        },
        onLooked: (reachable) => metrics.reachable(engine.engineId ?? engine.runtime, reachable),
        onReachabilityChanged(clusterIds) {
          tellListeners();
          for (const clusterId of clusterIds) scheduler.wake(clusterId);
        },
        onUncleaned: (deployments) =>
          send(deployments.map(({ id, attempt }) => ({ kind: 'clean', deploymentId: id, attempt }))),
      }),
  });
  const health = startHealth({ db, log, runtimeOf: engines.runtimeOf, observations, onEvents: tellListeners });
  const schedules = startSchedules({
    db,
    log,
    submit: deps.submitScheduled,
    onRun({ clusterId, stopping }) {
      tellListeners();
      send(stopping.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt })));
      scheduler.wake(clusterId);
      settler.now();
    },
  });
  const updates = startUpdates({
    db,
    log,
    runtimeOf: engines.runtimeOf,
    observations,
    send,
    onChanged(clusterId) {
      tellListeners();
      scheduler.wake(clusterId);
    },
  });
  const usage = startUsageWatch({ db, log, runtimeOf: engines.runtimeOf });
  const sampler = startSampler({ db, log, use: () => usage.useOfClusters() });
  await queue.work(
    createWorker({
      db,
      log,
      observations,
      secretKey: deps.secretKey,
      runtimeOf: engines.runtimeOf,
      credentialFor: deps.credentialFor,
      onUnreachable: (engine) => engines.observerOf(engine)?.suspect(),
      onEvents: tellListeners,
      onDone: (kind, result) => metrics.taskDone(kind, result),
    }),
  );

  return {
    wake(clusterId) {
      tellListeners();
      scheduler.wake(clusterId);
    },
    settle: () => settler.now(),
    runSchedule: (scope, scheduleId, actor) => schedules.runNow(scope, scheduleId, actor),
    schedule: (clusterId, options) => scheduler.schedule(clusterId, options),
    currentPlan: (clusterId) => scheduler.currentPlan(clusterId),
    preview: (clusterId, submitted) => scheduler.preview(clusterId, submitted),
    previewPolicy: (clusterId, change) => scheduler.previewPolicy(clusterId, change),
    stopSoon: (deployments) =>
      send(deployments.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt }))),
    deliverSoon: () => webhooks.now(),
    runtimeOf: (runtime, engineId = null) => engines.runtimeOf({ runtime, engineId }),
    enginesChanged: () => engines.refresh(),
    async tryEngine(engine) {
      const { runtime, close } = deps.connect(engine);
      try {
        await runtime.ping();
        return await runtime.capacity();
      } finally {
        close();
      }
    },
    lookAtUsage: (runtime, key) => usage.look(runtime, key),
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await schedules.close();
      await updates.close();
      await sweeper.close();
      await health.close();
      await settler.close();
      await sampler.close();
      await usage.close();
      await webhooks.close();
      await scheduler.close();
      await solver.close();
      // Observers before the queue: what they see last is still written down, and its tasks are sent.
      await engines.close();
      await tasks.close();
      await queue.close();
    },
  };
}

/** What a deployment's progress asks for: the rest of a failed gang is stopped, ended containers are cleaned up. */
function tasksAfter(progress: Progress): Task[] {
  const { deploymentId, attempt } = progress;
  const tasks: Task[] = [];
  if (progress.changed && progress.status === 'stopping') tasks.push({ kind: 'stop', deploymentId, attempt });
  if (progress.ended && !progress.removed) tasks.push({ kind: 'clean', deploymentId, attempt });
  return tasks;
}
