import type { Logger } from 'pino';
import type { Task, TaskQueue } from '../queue/task-queue.ts';

/** Nobody waits for the cleaning up: what ends within so long is handed over together. */
const lingerMs = 250;

export interface TaskSender {
  /** Returns at once; a task that can't be sent is logged, and sent again by the sweep. */
  send(tasks: readonly Task[]): void;
  /** Sends what lingers. */
  close(): Promise<void>;
}

/** Hands tasks over to the queue: starts and stops at once, the cleaning up a little later and in larger numbers. */
export function createTaskSender(queue: Pick<TaskQueue, 'send'>, log: Logger): TaskSender {
  const lingering = new Map<string, Task>();
  let timer: NodeJS.Timeout | null = null;

  async function sendNow(tasks: readonly Task[]): Promise<void> {
    if (tasks.length === 0) return;
    try {
      await queue.send(tasks);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.warn({ err: { message } }, 'tasks were not sent; the sweep sends them again');
    }
  }

  async function sendLingering(): Promise<void> {
    timer = null;
    const tasks = [...lingering.values()];
    lingering.clear();
    await sendNow(tasks);
  }

  return {
    send(tasks) {
      for (const task of tasks) if (task.kind === 'clean') lingering.set(`${task.deploymentId}/${task.attempt}`, task);
      if (lingering.size > 0) timer ??= setTimeout(() => void sendLingering(), lingerMs);
      void sendNow(tasks.filter(({ kind }) => kind !== 'clean'));
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      await sendLingering();
    },
  };
}
