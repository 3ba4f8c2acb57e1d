import { expect, test } from 'vitest';
import { readOnce } from './read-once.ts';

test('those who ask at once share one reading, and who asks later gets a new one', async () => {
  let readings = 0;
  const ask = readOnce(() => Promise.resolve(++readings));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  expect(await ask()).toBe(2);
});

test('a reading that fails is null, and the next is tried again', async () => {
  let isDown = true;
  const ask = readOnce(() => (isDown ? Promise.reject(new Error('down')) : Promise.resolve('there')));
  expect(await ask()).toBeNull();
  isDown = false;
  expect(await ask()).toBe('there');
});
