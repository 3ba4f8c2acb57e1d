import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { expect, test, vi } from 'vitest';
import type { ContainerState } from '../runtime.ts';
import { watchEvents } from './events.ts';
import { labelsOf } from './labels.ts';

const key = { clusterId: 'c', deploymentId: 'd', attempt: 1, replica: 0, run: 1 };
const exited: ContainerState = {
  key,
  containerId: 'id',
  status: 'exited',
  startedAt: 1,
  finishedAt: 2,
  exitCode: 137,
  outOfMemory: false,
  ports: [],
};

function event(Action: string, attributes: Record<string, string> = {}, installation = 'ours'): string {
  const Attributes = { ...labelsOf(installation, key), ...attributes };
  return `${JSON.stringify({ Action, Actor: { ID: 'id', Attributes }, timeNano: 1_700_000_000_123 * 1e6 })}\n`;
}

/** An event stream that the test writes, and an engine that answers each look with the next of `looks`. */
async function watching(looks: readonly (ContainerState | null)[]) {
  const stream = new PassThrough();
  const left = [...looks];
  const changes: ContainerState[] = [];
  const lost: Error[] = [];
  const abort = new AbortController();
  await watchEvents({
    docker: { getEvents: () => Promise.resolve(stream) } as unknown as Docker,
    answerMs: 1000,
    installationId: 'ours',
    inspect: async () => left.shift() ?? null,
    onChange: (state) => changes.push(state),
    onLost: (error) => lost.push(error),
    signal: abort.signal,
  });
  const told = (count: number) => vi.waitFor(() => expect(changes).toHaveLength(count));
  return { stream, changes, lost, told, abort };
}

test('of one that is gone before it can be looked at, the event is all that is known', async () => {
  const { stream, changes, told } = await watching([null]);
  stream.write(event('die', { exitCode: '3' }));
  await told(1);
  expect(changes).toEqual([{ ...exited, startedAt: null, finishedAt: 1_700_000_000_123, exitCode: 3 }]);
});

test('"out of memory" that only an event told is kept', async () => {
  const { stream, changes, told } = await watching([exited]);
  stream.write(event('oom') + event('die', { exitCode: '137' }));
  await told(1);
  expect(changes[0]?.outOfMemory).toBe(true);
});

test('"out of memory" that the engine writes down late is waited for', async () => {
  const { stream, changes, told } = await watching([exited, { ...exited, outOfMemory: true }]);
  stream.write(event('die', { exitCode: '137' }));
  await told(1);
  expect(changes[0]?.outOfMemory).toBe(true);
});

test('one whose child was killed for memory, and that ended well, ended well', async () => {
  const { stream, changes, told } = await watching([{ ...exited, exitCode: 0 }]);
  stream.write(event('oom') + event('die', { exitCode: '0' }));
  await told(1);
  expect(changes[0]).toMatchObject({ exitCode: 0, outOfMemory: false });
});

test("another installation's are not told, whatever the engine sends", async () => {
  const { stream, changes, told } = await watching([exited]);
  stream.write(event('die', { exitCode: '1' }, 'theirs') + event('die', { exitCode: '137' }));
  await told(1);
  expect(changes).toHaveLength(1);
});

test.each([
  ['ends', (stream: PassThrough) => void stream.end()],
  ['breaks', (stream: PassThrough) => void stream.destroy(new Error('reset'))],
  ['is no JSON', (stream: PassThrough) => void stream.write('<html>\n')],
])('a stream that %s is lost, once', async (_, harm) => {
  const { stream, lost } = await watching([]);
  harm(stream);
  await vi.waitFor(() => expect(lost).toHaveLength(1));
});

test('an aborted one is not lost', async () => {
  const { stream, lost, abort } = await watching([]);
  abort.abort();
  await vi.waitFor(() => expect(stream.destroyed).toBe(true));
  expect(lost).toEqual([]);
});
