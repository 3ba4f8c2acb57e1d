import type { Logger } from 'pino';
import { isFinal } from '../core/lifecycle.ts';
import { hasPartIn, type ProcessRole } from '../process-roles.ts';
import type { Task, TaskQueue } from '../queue/task-queue.ts';
import { type RegistryCredential, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import { createSolver } from '../solver/solver.ts';
import type { Database } from '../store/database.ts';
import { moveFromDrained } from '../store/drain.ts';
import { noteCapacity, type StoredEngine } from '../store/engines.ts';
import type { Progress } from '../store/observations.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import type { SwarmChanges } from '../store/swarms.ts';
import type { OwnRuntimeKind } from '../store/tables.ts';
import type { AddressRules } from '../webhooks/addresses.ts';
import type { ControlPlane } from './control-plane.ts';
import { createDuty } from './duties.ts';
import { type ConnectedEngine, type ConnectedSwarm, type Engines, openEngines } from './engines.ts';
import { type Duty, keepLeases, type Leases } from './leases.ts';
import { measuredRuntime } from './measured-runtime.ts';
import type { ControlMetrics } from './metrics.ts';
import { createObservations } from './observations.ts';
import { startObserver } from './observer.ts';
import { type RemotePasses, startRemotePasses } from './remote-pass.ts';
import { HeldElsewhere, startScheduler } from './scheduler.ts';
import { createSchedules, type SubmitScheduled } from './schedules.ts';
import type { Signals } from './signals.ts';
import { followSwarm, lookAtSwarm } from './swarms.ts';
import { createTaskSender } from './task-sender.ts';
import { tasksAfter } from './tasks-after.ts';
import { startUpkeep } from './upkeep.ts';
import { createUsageWatch } from './usage.ts';
import { watchOverEngines } from './watch-over-engines.ts';
import { createWorker } from './worker.ts';

export interface ControlPlaneDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly queue: TaskQueue;
  readonly metrics: ControlMetrics;
  /** The installation's own engines. */
  readonly runtimes: Readonly<Record<OwnRuntimeKind, Runtime>>;
  /** Of the secrets that containers get, and of those that sign for webhooks. */
  readonly secretKey: Keyring;
  /** Those that people added. */
  readonly readEngines: () => Promise<StoredEngine[]>;
  readonly connect: (engine: Pick<StoredEngine, 'address' | 'credentials' | 'swarm'>) => ConnectedEngine;
  readonly connectSwarm: (engine: Pick<StoredEngine, 'address' | 'credentials' | 'nodeAddress'>) => ConnectedSwarm;
  readonly submitScheduled: SubmitScheduled;
  readonly credentialFor: (organizationId: string, image: string) => Promise<RegistryCredential | undefined>;
  readonly webhookRules: AddressRules;
  /** Which loops this process has a part in. */
  readonly role: ProcessRole;
  readonly processId: string;
  /** To and from the other processes of the installation. */
  readonly signals: Signals;
}

/**
 * Starts the loops and ties them together: what is admitted is started, what ends makes room, what was lost is found. The ties
 * are hints; each loop would get there by itself a little later. Where a loop runs in another process, it is told by a signal.
 */
export async function createControlPlane(deps: ControlPlaneDeps): Promise<ControlPlane & { close(): Promise<void> }> {
  const { db, log, queue, runtimes, metrics, signals, processId } = deps;
  const isScheduler = hasPartIn(deps.role, 'scheduler');
  const isWorker = hasPartIn(deps.role, 'worker');
  const listeners = new Set<() => void>();
  const tellListeners = () => {
    for (const listener of listeners) listener();
  };
  /** Those who follow events, here and elsewhere. */
  const eventsWritten = () => {
    tellListeners();
    signals.tell({ kind: 'events' });
  };

  const tasks = createTaskSender(queue, log);
  const send = (those: readonly Task[]) => tasks.send(those);

  // They are taken once all is there that depends on them.
  let leases: Leases | null = null;
  const solver = createSolver({ log });
  const scheduler = startScheduler({
    db,
    log,
    solver,
    leases: {
      of: (clusterId) => leases?.of(clusterId) ?? null,
      claim: async (clusterId) => (await leases?.claim(clusterId)) ?? null,
    },
    onElsewhere: (clusterId) => signals.tell({ kind: 'wake', clusterId }),
    onPass: (summary, counts) => metrics.passes.passed(summary, counts),
    onFailed: () => metrics.passes.failed(),
    onAdmitted: (admitted) => {
      eventsWritten();
      send(admitted.map(({ id, attempt }) => ({ kind: 'start', deploymentId: id, attempt })));
    },
    onStopping: (stopping) => {
      eventsWritten();
      send(stopping.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt })));
    },
  });
  const wake = (clusterId: string) => scheduler.wake(clusterId);

  /** In whichever process does the upkeep. */
  const tellUpkeep = (what: 'settle' | 'deliver' | 'sweep') => {
    const loops = upkeep.loops();
    if (loops === null) signals.tell({ kind: what });
    else loops[what]();
  };

  const observations = createObservations(db, (progress: readonly Progress[]) => {
    eventsWritten();
    for (const one of progress) {
      const { deploymentId: deployment, clusterId: cluster, attempt, status } = one;
      if (one.changed) log.debug({ deployment, cluster, attempt, status }, 'the status of a deployment changed');
      if (one.freed) wake(one.clusterId);
      if (one.changed && one.status === 'running') metrics.work.started(one.sinceAdmissionS ?? 0);
    }
    if (progress.some(({ changed, status }) => changed && isFinal(status))) tellUpkeep('settle');
    send(progress.flatMap(tasksAfter));
  });

  const schedules = createSchedules({
    db,
    log,
    submit: deps.submitScheduled,
    onRun({ clusterId, stopping }) {
      eventsWritten();
      send(stopping.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt })));
      wake(clusterId);
      tellUpkeep('settle');
    },
  });

  /** What a look at a swarm has changed. */
  const swarmChanged = ({ clusterId }: SwarmChanges) => {
    eventsWritten();
    if (clusterId !== null) wake(clusterId);
    signals.tell({ kind: 'engines' });
    void engines.refresh().catch(() => undefined);
  };

  const engines: Engines = await openEngines({
    log,
    own: {
      docker: measuredRuntime(runtimes.docker, null, metrics.engines),
      simulated: measuredRuntime(runtimes.simulated, null, metrics.engines),
    },
    readEngines: deps.readEngines,
    connect(engine) {
      const connected = deps.connect(engine);
      return { ...connected, runtime: measuredRuntime(connected.runtime, engine.id, metrics.engines) };
    },
    connectSwarm: deps.connectSwarm,
    follow: (swarm, manager) => followSwarm({ db, log, swarm, manager, onChanged: swarmChanged }),
    observe: (engine, runtime) =>
      startObserver({
        db,
        log,
        engine,
        runtime,
        observations,
        onReachable(answering) {
          tellUpkeep('sweep');
          const { engineId } = engine;
          if (engineId === null) return;
          answering
            .capacity()
            .then((found) => noteCapacity(db, engineId, found))
            .catch((error: unknown) => log.debug({ err: error, engine: engineId }, 'what an engine has was not noted'));
        },
        async onEvicted(where) {
          // Whoever has to leave a node that the swarm has drained moves, and has not failed.
          await engines.lookAtSwarmOf(where);
          const moved = await moveFromDrained(db);
          send(moved.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt })));
        },
        onLooked: (reachable) => metrics.engines.looked(engine.engineId ?? engine.runtime, reachable),
        onClosed: () => metrics.engines.forget(engine.engineId ?? engine.runtime),
        onReachabilityChanged(clusterIds) {
          eventsWritten();
          for (const clusterId of clusterIds) wake(clusterId);
        },
        onUncleaned: (deployments) =>
          send(deployments.map(({ id, attempt }) => ({ kind: 'clean', deploymentId: id, attempt }))),
      }),
  });
  const usage = createUsageWatch({ db, log, runtimeOf: engines.runtimeOf });

  const upkeep = createDuty(log, () =>
    startUpkeep({
      db,
      log,
      secretKey: deps.secretKey,
      webhookRules: deps.webhookRules,
      schedules,
      send,
      wake,
      onEvents: eventsWritten,
      onDelivery: (result) => metrics.deliveries.attempted(result),
    }),
  );
  listeners.add(() => upkeep.loops()?.deliver());
  const watch = createDuty(log, () =>
    watchOverEngines({ db, log, engines, observations, usage, send, wake, onEvents: eventsWritten }),
  );

  if (isWorker) {
    await queue.work(
      createWorker({
        db,
        log,
        observations,
        secretKey: deps.secretKey,
        runtimeOf: engines.runtimeOf,
        credentialFor: deps.credentialFor,
        onUnreachable: (engine) => engines.observerOf(engine)?.suspect(),
        onEvents: eventsWritten,
        onDone: (kind, result, seconds) => metrics.work.taskDone(kind, result, seconds),
      }),
    );
  }

  const duties: Duty[] = [
    ...(isScheduler ? (['duty/upkeep'] as const) : []),
    ...(isWorker ? (['duty/watch'] as const) : []),
  ];
  const kept = await keepLeases({
    db,
    log,
    processId,
    clusters: isScheduler,
    duties,
    onCluster: wake,
    onDuty(duty, isMine) {
      (duty === 'duty/upkeep' ? upkeep : watch).set(isMine);
      if (duty === 'duty/upkeep') metrics.queue.tell(isMine);
    },
    metrics: metrics.leases,
  });
  leases = kept;
  const remote: RemotePasses = startRemotePasses({
    db,
    log,
    signals,
    clusterIds: kept.clusterIds,
    pass: (clusterId) => scheduler.schedule(clusterId, { dryRun: false, trigger: 'api' }),
  });

  signals.onTold((signal) => {
    if (signal.kind === 'events') tellListeners();
    if (signal.kind === 'settle' || signal.kind === 'deliver' || signal.kind === 'sweep')
      upkeep.loops()?.[signal.kind]();
    if (signal.kind === 'engines') void engines.refresh().catch(() => undefined);
    if (signal.kind === 'wake') {
      // Whoever has it wakes it; if nobody has, the next look for free clusters does.
      const { clusterId } = signal;
      kept.claim(clusterId).then(
        (lease) => lease !== null && wake(clusterId),
        (error: unknown) => log.debug({ err: error, cluster: clusterId }, 'a cluster was not taken'),
      );
    }
  });

  return {
    wake(clusterId) {
      eventsWritten();
      wake(clusterId);
    },
    settle: () => tellUpkeep('settle'),
    runSchedule: (scope, scheduleId, actor) => schedules.runNow(scope, scheduleId, actor),
    async schedule(clusterId, options) {
      try {
        return await scheduler.schedule(clusterId, options);
      } catch (error) {
        if (!(error instanceof HeldElsewhere)) throw error;
        return remote.ask(clusterId);
      }
    },
    currentPlan: (clusterId) => scheduler.currentPlan(clusterId),
    preview: (clusterId, submitted) => scheduler.preview(clusterId, submitted),
    previewPolicy: (clusterId, change) => scheduler.previewPolicy(clusterId, change),
    stopSoon: (deployments) =>
      send(deployments.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt }))),
    deliverSoon: () => tellUpkeep('deliver'),
    runtimeOf: (runtime, engineId = null) => engines.runtimeOf({ runtime, engineId }),
    async enginesChanged() {
      signals.tell({ kind: 'engines' });
      await engines.refresh();
    },
    async trySwarm(engine) {
      const { manager, close } = deps.connectSwarm(engine);
      try {
        return await manager.nodes();
      } finally {
        close();
      }
    },
    async lookAtSwarm(swarm) {
      const manager = engines.managerOf(swarm.id);
      if (manager === null) throw new RuntimeError('unreachable', 'the swarm is not known here');
      await lookAtSwarm({ db, swarm, manager, onChanged: swarmChanged });
    },
    async tryEngine(engine) {
      const { runtime, close } = deps.connect({ ...engine, swarm: null });
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
      await upkeep.close();
      await remote.close();
      await scheduler.close();
      await solver.close();
      // Observers before the queue: what they see last is still written down, and its tasks are sent.
      await watch.close();
      await engines.close();
      await tasks.close();
      await queue.close();
      await kept.close();
    },
  };
}
