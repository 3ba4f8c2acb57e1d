import { expect, test } from 'vitest';
import { KeyedMutex } from './keyed-mutex.ts';

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  const made = { resolve: nothing };
  const promise = new Promise<void>((resolve) => {
    made.resolve = resolve;
  });
  return { promise, resolve: () => made.resolve() };
}

function nothing(): void {}

function gate() {
  const { promise, resolve } = withResolvers();
  return { open: resolve, opened: promise };
}

test('what concerns one key waits its turn, also after a failure; other keys do not wait', async () => {
  const mutex = new KeyedMutex();
  const seen: string[] = [];
  const first = gate();
  const failing = mutex.run('a', async () => {
    await first.opened;
    seen.push('a1');
    throw new Error('no');
  });
  const second = mutex.run('a', () => {
    seen.push('a2');
    return Promise.resolve();
  });
  await mutex.run('b', () => {
    seen.push('b');
    return Promise.resolve();
  });
  first.open();
  await expect(failing).rejects.toThrow('no');
  await second;
  expect(seen).toEqual(['b', 'a1', 'a2']);
});
