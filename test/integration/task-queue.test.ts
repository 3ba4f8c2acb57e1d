import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTaskQueue, type QueueBackend } from '../../src/queue/bullmq.ts';
import type { Task, TaskQueue } from '../../src/queue/task-queue.ts';
import { createTestDatabase } from '../support/database.ts';

const log = pino({ level: 'silent' });
let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
});

afterAll(() => database.drop());

const backends: [string, () => QueueBackend][] = [
  ['PostgreSQL', () => ({ kind: 'postgres', url: database.url })],
  ['Redis', () => ({ kind: 'redis', url: required('HYPERVISOR_TEST_REDIS_URL') })],
];

const task = (kind: Task['kind'] = 'start'): Task => ({ kind, deploymentId: randomUUID(), attempt: 1 });

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the global set-up starts what it names`);
  return value;
}

describe.each(backends)('the task queue on %s', (_name, backend) => {
  async function open(name = `test-${randomUUID()}`): Promise<TaskQueue> {
    return openTaskQueue({ backend: backend(), name, log });
  }

  test('hands each task to a worker once', async () => {
    const queue = await open();
    const tasks = Array.from({ length: 50 }, (_, i) => task(i % 3 === 0 ? 'clean' : 'start'));
    const seen: Task[] = [];
    await handled(queue, tasks.length, seen, () => queue.send(tasks));
    await queue.close();
    expect(new Set(seen.map((one) => one.deploymentId)).size).toBe(tasks.length);
    expect(seen).toHaveLength(tasks.length);
  });

  test('refuses the twin of a task that waits, and takes it again once that is done', async () => {
    const queue = await open();
    const one = task();
    await queue.send([one]);
    await queue.send([one]);
    const seen: Task[] = [];
    await handled(queue, 1, seen, () => Promise.resolve());
    await queue.send([task()]);
    await until(() => seen.length >= 2);
    expect(seen.filter((each) => each.deploymentId === one.deploymentId)).toHaveLength(1);
    await queue.send([one]);
    await until(() => seen.length >= 3);
    await queue.close();
  });

  test('keeps tasks for a worker that comes later', async () => {
    const name = `test-${randomUUID()}`;
    const sender = await open(name);
    const one = task();
    await sender.send([one]);
    await sender.close();
    const worker = await open(name);
    const seen: Task[] = [];
    await handled(worker, 1, seen, () => Promise.resolve());
    await worker.close();
    expect(seen).toEqual([one]);
  });
});

test('a Redis that does not answer is told of, and not asked again', async () => {
  let connections = 0;
  const closing = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  closing.listen(0, '127.0.0.1');
  await once(closing, 'listening');
  const url = `redis://127.0.0.1:${(closing.address() as AddressInfo).port}`;
  const opening = openTaskQueue({ backend: { kind: 'redis', url }, name: 'none', log });
  await expect(opening).rejects.toThrow("Redis can't be reached");
  // The first connections may still be under way; those that ioredis makes again would come after 50, 100, 150, … ms.
  await sleep(500);
  const asked = connections;
  await sleep(500);
  expect(connections).toBe(asked);
  closing.close();
});

async function handled(queue: TaskQueue, count: number, seen: Task[], then: () => Promise<void>): Promise<void> {
  await queue.work((handed) => {
    seen.push(handed);
    return Promise.resolve();
  });
  await then();
  await until(() => seen.length >= count);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
