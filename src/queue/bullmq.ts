import { createPostgresBackend, Queue, Worker, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Task, TaskQueue } from './task-queue.ts';

/**
 * The one adapter of the task queue: BullMQ, on PostgreSQL by default or on Redis. Both run the same queues and workers; only
 * the connection differs.
 */

export type QueueBackend =
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly url: string };

export interface BullMqOptions {
  readonly backend: QueueBackend;
  /** Told apart from other installations on the same backend. */
  readonly name: string;
  readonly log: Logger;
}

// Starting and stopping never wait behind the cleaning up, which may copy megabytes of logs.
const lanes = { lifecycle: 48, cleaning: 4 } as const;
type Lane = keyof typeof lanes;

// A killed worker's tasks come back after about this long (measured 7 s; 57 s with BullMQ's defaults).
const lockDurationMs = 5_000;
const jobOptions = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;

/**
 * Tasks are handed over in bundles: what a backend takes for one entry, and not what the worker does with it, is most of the time from
 * admission to start. What nobody waits for may be in larger ones.
 */
const bundleOf = { lifecycle: 8, cleaning: 64 } as const satisfies Record<Lane, number>;
/** Of many at once bundles are larger, and still so many that several workers have some (bench kueue, large-scale: 76 s instead of 100 s). */
const bundlesOfMany = 3;
const bundleMax = 64;

function bundleSize(lane: Lane, count: number): number {
  return Math.min(bundleMax, Math.max(bundleOf[lane], Math.ceil(count / bundlesOfMany)));
}

/**
 * So few entries are added one by one: on PostgreSQL, adding many in one statement makes and drops two tables each time (measured 9 ms,
 * against 2 ms for one entry).
 */
const singlyMax = 4;

interface JobData {
  readonly tasks: readonly Task[];
}

/** A single task refuses its twin by its id. A bundle need not: whoever comes second finds the work done or under way. */
function jobsOf(lane: Lane, tasks: readonly Task[]) {
  const jobs = [];
  const max = bundleSize(lane, tasks.length);
  for (let from = 0; from < tasks.length; from += max) {
    const bundle = tasks.slice(from, from + max);
    const [first] = bundle;
    if (first === undefined) continue;
    const id = `${first.kind}-${first.deploymentId}-${first.attempt}`;
    jobs.push({
      name: first.kind,
      data: { tasks: bundle },
      opts: { ...jobOptions, jobId: bundle.length === 1 ? id : `${id}-and-more` },
    });
  }
  return jobs;
}

const laneOf = (task: Task): Lane => (task.kind === 'clean' ? 'cleaning' : 'lifecycle');

/** Opens the queues. Throws where the backend can't be reached now; later outages are errors of `send`, and end by themselves. */
export async function openTaskQueue(options: BullMqOptions): Promise<TaskQueue> {
  const connections = await connectionsOf(options);
  const queues = new Map<Lane, TaskSender>();
  const workers: TaskWorker[] = [];
  for (const lane of Object.keys(lanes) as Lane[]) queues.set(lane, connections.queue(`${options.name}-${lane}`));

  const onError = (error: Error) =>
    options.log.warn({ err: { message: error.message } }, 'task queue: its backend does not answer');
  for (const queue of queues.values()) queue.on('error', onError);
  await connections.ready([...queues.values()]);

  return {
    async send(tasks) {
      for (const [lane, queue] of queues) {
        const mine = tasks.filter((task) => laneOf(task) === lane);
        if (mine.length === 0) continue;
        const jobs = jobsOf(lane, mine);
        if (jobs.length > singlyMax) await queue.addBulk(jobs);
        else await Promise.all(jobs.map(({ name, data, opts }) => queue.add(name, data, opts)));
      }
    },
    async work(handle) {
      for (const lane of Object.keys(lanes) as Lane[]) {
        const worker = connections.worker(`${options.name}-${lane}`, lanes[lane], async (tasks) => {
          await Promise.all(tasks.map(handle));
        });
        worker.on('error', onError);
        workers.push(worker);
      }
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await connections.close();
    },
  };
}

/** What both backends' queues and workers have in common, as far as it is used here. */
type TaskSender = Pick<Queue<JobData>, 'add' | 'addBulk' | 'close' | 'waitUntilReady'> & {
  on(event: 'error', listener: (error: Error) => void): unknown;
};
type TaskWorker = Pick<Worker<JobData>, 'close'> & {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
};

interface Connections {
  queue(name: string): TaskSender;
  worker(name: string, concurrency: number, handle: (tasks: readonly Task[]) => Promise<void>): TaskWorker;
  ready(queues: readonly TaskSender[]): Promise<void>;
  close(): Promise<void>;
}

function workerOptions(concurrency: number) {
  return { concurrency, lockDuration: lockDurationMs, stalledInterval: lockDurationMs, maxStalledCount: 1_000_000 };
}

async function connectionsOf(options: BullMqOptions): Promise<Connections> {
  return options.backend.kind === 'redis'
    ? redisConnections(options.backend.url, options.log)
    : postgresConnections(options.backend.url);
}

async function redisConnections(url: string, log: Logger): Promise<Connections> {
  // A producer fails at once while Redis is away (the sweep sends again later); a worker waits for it to come back.
  const producer = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false });
  const consumer = new Redis(url, { maxRetriesPerRequest: null });
  const onError = (error: Error) => log.debug({ err: { message: error.message } }, 'redis');
  producer.on('error', onError);
  consumer.on('error', onError);
  const disconnect = () => {
    producer.disconnect();
    consumer.disconnect();
  };
  try {
    // Before the queues are made: each sends a first command at once.
    await Promise.all([connected(producer), connected(consumer)]);
  } catch (error) {
    // They would try again for ever, and keep the process from ending.
    disconnect();
    throw error;
  }
  return {
    queue: (name) => new Queue<JobData>(name, { connection: producer, skipWaitingForReady: true }),
    worker: (name, concurrency, handle) =>
      new Worker<JobData>(name, (job) => handle(job.data.tasks), {
        connection: consumer,
        ...workerOptions(concurrency),
      }),
    ready: () => Promise.resolve(),
    close() {
      disconnect();
      return Promise.resolve();
    },
  };
}

async function connected(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    redis.once('ready', resolve);
    redis.once('error', (error: Error) =>
      reject(new Error(`Redis can't be reached: ${error.message}`, { cause: error })),
    );
  });
}

function postgresConnections(url: string): Connections {
  const onPostgres = withBackend(createPostgresBackend);
  const connection = {
    connectionString: url,
    migrate: true,
    max: 4,
    application_name: 'hypervisor tasks',
    // A task is a hint that the sweep sends again: it need not be on disk before work goes on. What it is about is, always.
    options: '-c synchronous_commit=off',
  };
  return {
    queue: (name) => new onPostgres.Queue<JobData>(name, { connection }),
    worker: (name, concurrency, handle) =>
      new onPostgres.Worker<JobData>(name, (job) => handle(job.data.tasks), {
        connection,
        ...workerOptions(concurrency),
      }),
    async ready(queues) {
      for (const queue of queues) await queue.waitUntilReady();
    },
    close: () => Promise.resolve(),
  };
}
