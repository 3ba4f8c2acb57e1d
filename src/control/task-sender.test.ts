import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Task } from '../queue/task-queue.ts';
import { createTaskSender } from './task-sender.ts';

const log = pino({ level: 'silent' });
const task = (kind: Task['kind'], deploymentId: string): Task => ({ kind, deploymentId, attempt: 1 });

let sent: (readonly Task[])[];
const queue = {
  send(tasks: readonly Task[]) {
    sent.push(tasks);
    return Promise.resolve();
  },
};

beforeEach(() => {
  sent = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('sends starts and stops at once', () => {
  createTaskSender(queue, log).send([task('start', 'a'), task('stop', 'b')]);
  expect(sent).toEqual([[task('start', 'a'), task('stop', 'b')]]);
});

it('sends what is to be cleaned up together, and each once', async () => {
  const sender = createTaskSender(queue, log);
  sender.send([task('clean', 'a')]);
  sender.send([task('clean', 'b'), task('start', 'c')]);
  sender.send([task('clean', 'a')]);
  expect(sent).toEqual([[task('start', 'c')]]);
  await vi.runAllTimersAsync();
  expect(sent.slice(1)).toEqual([[task('clean', 'a'), task('clean', 'b')]]);
});

it('keeps nothing to itself when it is closed', async () => {
  const sender = createTaskSender(queue, log);
  sender.send([task('clean', 'a')]);
  await sender.close();
  await vi.runAllTimersAsync();
  expect(sent).toEqual([[task('clean', 'a')]]);
});

it('goes on where the queue does not answer', async () => {
  let refused = 0;
  const sender = createTaskSender({ send: () => Promise.reject(new Error(`refused ${++refused}`)) }, log);
  sender.send([task('start', 'a'), task('clean', 'b')]);
  await vi.runAllTimersAsync();
  await sender.close();
  expect(refused).toBe(2);
});
