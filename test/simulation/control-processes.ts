/**
 * The control plane of a history: the product's own loops, in one process or in two, over ports that fail. A process that has crashed
 * is started anew after a while, with nothing but what the database, the queue and the engine have kept.
 */
import { pino } from 'pino';
import { createObservations, type Observations } from '../../src/control/observations.ts';
import { startObserver } from '../../src/control/observer.ts';
import { startScheduler } from '../../src/control/scheduler.ts';
import { startSettler } from '../../src/control/settler.ts';
import { startSweeper } from '../../src/control/sweeper.ts';
import { createTaskSender, type TaskSender } from '../../src/control/task-sender.ts';
import { tasksAfter } from '../../src/control/tasks-after.ts';
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
export function startDeciding({ db, queue }: Ports): Hints {
  const tasks = createTaskSender(queue, log);
  const send = tasksOf(tasks);
  const scheduler = startScheduler({
    db,
    log,
    onAdmitted: attemptsOf(send, 'start'),
    onStopping: attemptsOf(send, 'stop'),
  });
  const sweeper = startSweeper({ db, log, send, onRoom: (clusterId) => scheduler.wake(clusterId) });
  const settler = startSettler({
    db,
    log,
    onReleased: (clusterId) => scheduler.wake(clusterId),
    onEvents: () => undefined,
  });
  return {
    wake: (clusterId) => scheduler.wake(clusterId),
    settle: () => settler.now(),
    sweep: () => sweeper.now(),
  };
}

/** Acts: carries out tasks, and watches what runs. */
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
