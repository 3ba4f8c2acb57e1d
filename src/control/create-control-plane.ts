import type { Logger } from 'pino';
import type { Task, TaskQueue } from '../queue/task-queue.ts';
import type { RegistryCredential, Runtime } from '../runtimes/runtime.ts';
import { createSolver } from '../solver/solver.ts';
import type { Database } from '../store/database.ts';
import type { Progress } from '../store/observations.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import type { RuntimeKind } from '../store/tables.ts';
import type { ControlPlane } from './control-plane.ts';
import { startHealth } from './health.ts';
import type { ControlMetrics } from './metrics.ts';
import { createObservations } from './observations.ts';
import { startObserver } from './observer.ts';
import { startScheduler } from './scheduler.ts';
import { startSweeper } from './sweeper.ts';
import { createWorker } from './worker.ts';

export interface ControlPlaneDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly queue: TaskQueue;
  readonly metrics: ControlMetrics;
  readonly runtimes: Readonly<Record<RuntimeKind, Runtime>>;
  /** Of the secrets that containers get. */
  readonly secretKey: Keyring;
  readonly credentialFor: (organizationId: string, image: string) => Promise<RegistryCredential | undefined>;
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

  const send = (tasks: readonly Task[]) => {
    if (tasks.length === 0) return;
    queue.send(tasks).catch((error: unknown) => {
      log.warn(
        { err: { message: error instanceof Error ? error.message : String(error) } },
        'tasks were not sent; the sweep sends them again',
      );
    });
  };

  const onProgress = (progress: readonly Progress[]) => {
    tellListeners();
    for (const one of progress) if (one.freed) scheduler.wake(one.clusterId);
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
  const sweeper = startSweeper({ db, log, send });
  const health = startHealth({ db, log, runtimeOf: (kind) => runtimes[kind], onEvents: tellListeners });
  const observers = (Object.keys(runtimes) as RuntimeKind[]).map((kind) => ({
    kind,
    observer: startObserver({
      db,
      log,
      runtime: runtimes[kind],
      observations,
      onReachable: () => sweeper.now(),
      onLooked: (reachable) => metrics.reachable(kind, reachable),
      onReachabilityChanged: (clusterIds) => {
        tellListeners();
        for (const clusterId of clusterIds) scheduler.wake(clusterId);
      },
      onUncleaned: (deployments) =>
        send(deployments.map(({ id, attempt }) => ({ kind: 'clean', deploymentId: id, attempt }))),
    }),
  }));
  await queue.work(
    createWorker({
      db,
      log,
      observations,
      runtimeOf: (kind) => runtimes[kind],
      secretKey: deps.secretKey,
      credentialFor: deps.credentialFor,
      onUnreachable: (kind) => observers.find((one) => one.kind === kind)?.observer.suspect(),
      onEvents: tellListeners,
      onDone: (kind, result) => metrics.taskDone(kind, result),
    }),
  );

  return {
    wake(clusterId) {
      tellListeners();
      scheduler.wake(clusterId);
    },
    schedule: (clusterId, options) => scheduler.schedule(clusterId, options),
    currentPlan: (clusterId) => scheduler.currentPlan(clusterId),
    stopSoon: (deployments) =>
      send(deployments.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt }))),
    runtimeOf: (kind) => runtimes[kind],
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await sweeper.close();
      await health.close();
      await scheduler.close();
      await solver.close();
      // Observers before the queue: what they see last is still written down, and its tasks are sent.
      await Promise.all(observers.map(({ observer }) => observer.close()));
      await queue.close();
    },
  };
}

/** What a deployment's progress asks for: the rest of a failed gang is stopped, ended containers are cleaned up. */
function tasksAfter(progress: Progress): Task[] {
  const { deploymentId, attempt } = progress;
  const tasks: Task[] = [];
  if (progress.changed && progress.status === 'stopping') tasks.push({ kind: 'stop', deploymentId, attempt });
  if (progress.freed && !progress.removed) tasks.push({ kind: 'clean', deploymentId, attempt });
  return tasks;
}
