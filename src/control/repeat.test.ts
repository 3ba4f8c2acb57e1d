import pino from 'pino';
import { expect, test } from 'vitest';
import { repeat } from './repeat.ts';

const log = pino({ level: 'silent' });

function nothing(): void {}

test('a failing turn does not end the loop, and stop waits for the turn under way', async () => {
  let turns = 0;
  let finished = 0;
  const reached = { turn: nothing };
  const third = new Promise<void>((resolve) => {
    reached.turn = resolve;
  });
  const loop = repeat(1, log, 'test', async () => {
    turns += 1;
    if (turns === 1) throw new Error('first');
    if (turns === 3) reached.turn();
    await new Promise((settle) => setImmediate(settle));
    finished += 1;
  });
  await third;
  await loop.stop();
  expect(finished).toBe(turns - 1);
});
