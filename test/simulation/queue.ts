/** A queue that keeps its word as badly as any: what was sent may come late, in another order, more than once, or not at all. */
import type { Task, TaskQueue } from '../../src/queue/task-queue.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

export interface QueueNoise {
  readonly lostTasks: number;
  readonly doubledTasks: number;
  readonly taskDelayMsMax: number;
}

/** A task whose worker is gone comes to another one after so long. */
const lockMs = 5_000;
/** A task for which there is no worker waits. */
const idleMs = 500;

type Handle = (task: Task) => Promise<void>;

interface Worker {
  readonly process: SimulatedProcess;
  readonly handle: Handle;
}

export class SimulatedQueue {
  readonly #world: World;
  readonly #noise: () => QueueNoise;
  readonly #workers = new Set<Worker>();

  constructor(world: World, noise: () => QueueNoise) {
    this.#world = world;
    this.#noise = noise;
  }

  /** As one process reaches it. */
  port(process: SimulatedProcess): TaskQueue {
    return {
      send: (tasks) =>
        process.request({
          to: 'queue',
          name: `send ${tasks.map(({ kind }) => kind).join(' ')}`,
          effect: async () => this.#take(tasks),
          lost: () => new Error('the queue does not answer'),
        }),
      work: async (handle) => {
        const worker = { process, handle };
        this.#workers.add(worker);
        process.onEnd(() => this.#workers.delete(worker));
      },
      close: async () => undefined,
    };
  }

  #take(tasks: readonly Task[]): void {
    const { lostTasks, doubledTasks, taskDelayMsMax } = this.#noise();
    for (const task of tasks) {
      const times = this.#world.chance(lostTasks) ? 0 : this.#world.chance(doubledTasks) ? 2 : 1;
      for (let time = 0; time < times; time += 1) {
        this.#world.after(this.#world.between(1, taskDelayMsMax), () => this.#deliver(task));
      }
    }
  }

  #deliver(task: Task): void {
    const worker = this.#world.pick([...this.#workers].filter(({ process }) => process.reaches('queue')));
    if (worker === undefined) {
      this.#world.after(idleMs, () => this.#deliver(task));
      return;
    }
    this.#world.note(`queue: ${task.kind} to ${worker.process.name}`);
    let isDone = false;
    worker.process.onEnd(() => {
      if (isDone) return;
      isDone = true;
      this.#world.after(lockMs, () => this.#deliver(task));
    });
    void worker.handle(task).finally(() => {
      isDone = true;
    });
  }
}
