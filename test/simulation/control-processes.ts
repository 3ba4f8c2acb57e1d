/**
 * The control plane of a history: the product's own loops, in one process or in several, over ports that fail. A process that has crashed
 * is started anew after a while, with nothing but what the database, the queue and the engine have kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { closeInTurn, createDuty } from '../../src/control/duties.ts';
import { keepLeases, type Leases } from '../../src/control/leases.ts';
import { createObservations, type Observations } from '../../src/control/observations.ts';
import { startObserver } from '../../src/control/observer.ts';
import { type Scheduler, startScheduler } from '../../src/control/scheduler.ts';
import { startSettler } from '../../src/control/settler.ts';
import { startSweeper } from '../../src/control/sweeper.ts';
import { createTaskSender, type TaskSender } from '../../src/control/task-sender.ts';
import { tasksAfter } from '../../src/control/tasks-after.ts';
import { startUpdates } from '../../src/control/updates.ts';
import { createWorker } from '../../src/control/worker.ts';
import { isFinal } from '../../src/core/lifecycle.ts';
import type { Task, TaskQueue } from '../../src/queue/task-queue.ts';
import type { Runtime } from '../../src/runtimes/runtime.ts';
import type { Database } from '../../src/store/database.ts';
import { makeKeyring } from '../../src/store/secrets/keyring.ts';

/** What a process has of the rest of the world. */
export interface Ports {
  readonly db: Database;
  readonly queue: TaskQueue;
  readonly runtime: Runtime;
  /** Between those who see and what is written down. */
  readonly observe: (observations: Observations) => Observations;
}

/** Hints from one process to another; they may be lost. */
export interface Hints {
  wake(clusterId: string): void;
  settle(): void;
  sweep(): void;
}

const log = pino({ level: 'silent' });
const secretKey = makeKeyring(Buffer.alloc(32, 1));
const engine = { runtime: 'simulated', engineId: null } as const;
const attemptsOf =
  (send: (tasks: readonly Task[]) => void, kind: Task['kind']) =>
  (all: readonly { readonly id: string; readonly attempt: number }[]): void =>
    send(all.map(({ id, attempt }) => ({ kind, deploymentId: id, attempt })));

/** Decides: passes, the sweep, what waits for others. Returns what others may tell it. */
export function startDeciding(ports: Ports): Hints {
  const scheduler = schedulerOf(ports);
  const upkeep = startUpkeep(ports, scheduler);
  return { wake: (clusterId) => scheduler.wake(clusterId), settle: upkeep.settle, sweep: upkeep.sweep };
}

/** What a process that decides has of the others that do. */
export interface Shared {
  readonly processId: string;
  /** Makes itself known to them. */
  readonly join: (db: Database, log: Logger) => Promise<void>;
  /** To them: the cluster is another's. */
  readonly onElsewhere: (clusterId: string) => void;
}

const joinAgainMs = 500;

/** The same, where there are several of them: each has the clusters, and the upkeep, that it has a lease of. */
export function startDecidingAmongOthers(ports: Ports, shared: Shared): Hints {
  const { db } = ports;
  const { processId } = shared;
  let leases: Leases | null = null;
  const scheduler = schedulerOf(ports, {
    leases: {
      of: (clusterId) => leases?.of(clusterId) ?? null,
      claim: async (clusterId) => (await leases?.claim(clusterId)) ?? null,
    },
    onElsewhere: shared.onElsewhere,
  });
  const upkeep = createDuty(log, () => startUpkeep(ports, scheduler));

  async function join(): Promise<void> {
    while (leases === null) {
      try {
        await shared.join(db, log);
        leases = await keepLeases({
          db,
          log,
          processId,
          clusters: true,
          duties: ['duty/upkeep'],
          onCluster: (clusterId) => scheduler.wake(clusterId),
          onDuty: (_, isMine) => upkeep.set(isMine),
          metrics: { gained: () => undefined, gone: () => undefined },
        });
      } catch {
        // A process that can't join ends, and is started anew.
        await sleep(joinAgainMs);
      }
    }
  }
  void join();

  return {
    wake(clusterId) {
      leases?.claim(clusterId).then(
        (lease) => lease !== null && scheduler.wake(clusterId),
        () => undefined,
      );
    },
    settle: () => upkeep.loops()?.settle(),
    sweep: () => upkeep.loops()?.sweep(),
  };
}

type Elsewhere = Pick<Parameters<typeof startScheduler>[0], 'leases' | 'onElsewhere'>;

function schedulerOf({ db, queue }: Ports, elsewhere: Elsewhere = {}): Scheduler {
  const send = tasksOf(createTaskSender(queue, log));
  return startScheduler({
    db,
    log,
    onAdmitted: attemptsOf(send, 'start'),
    onStopping: attemptsOf(send, 'stop'),
    ...elsewhere,
  });
}

function startUpkeep({ db, queue }: Ports, scheduler: Scheduler) {
  const send = tasksOf(createTaskSender(queue, log));
  const onRoom = (clusterId: string) => scheduler.wake(clusterId);
  const sweeper = startSweeper({ db, log, send, onRoom });
  const settler = startSettler({ db, log, onReleased: onRoom, onEvents: () => undefined });
  return {
    settle: () => settler.now(),
    sweep: () => sweeper.now(),
    close: () => closeInTurn([sweeper, settler]),
  };
}

/** Acts: carries out tasks, watches what runs, and brings services to what they are to be. */
export function startActing({ db, queue, runtime, observe }: Ports, hints: Hints): void {
  const tasks = createTaskSender(queue, log);
  const send = tasksOf(tasks);
  const observations = observe(
    createObservations(db, (progress) => {
      for (const one of progress) if (one.freed) hints.wake(one.clusterId);
      if (progress.some(({ changed, status }) => changed && isFinal(status))) hints.settle();
      send(progress.flatMap(tasksAfter));
    }),
  );
  const observer = startObserver({
    db,
    log,
    engine,
    runtime,
    observations,
    onReachable: () => hints.sweep(),
    onEvicted: async () => undefined,
    onLooked: () => undefined,
    onClosed: () => undefined,
    onReachabilityChanged: (clusterIds) => {
      for (const clusterId of clusterIds) hints.wake(clusterId);
    },
    onUncleaned: attemptsOf(send, 'clean'),
  });
  startUpdates({
    db,
    log,
    runtimeOf: () => runtime,
    observations,
    send,
    onChanged: (clusterId) => hints.wake(clusterId),
  });
  void queue.work(
    createWorker({
      db,
      log,
      observations,
      secretKey,
      runtimeOf: () => runtime,
      credentialFor: async () => undefined,
      onUnreachable: () => observer.suspect(),
      onEvents: () => undefined,
      onDone: () => undefined,
    }),
  );
}

const tasksOf = (tasks: TaskSender) => (those: readonly Task[]) => tasks.send(those);
