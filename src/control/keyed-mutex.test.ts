import { expect, test } from 'vitest';
import { KeyedMutex } from './keyed-mutex.ts';

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
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
