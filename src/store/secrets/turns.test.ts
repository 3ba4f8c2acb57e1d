import { describe, expect, it } from 'vitest';
import { TooManyWaiting, Turns } from './turns.ts';

describe('turns', () => {
  it('are given to so many at once, in order, and the others are turned away', async () => {
    const turns = new Turns({ atOnce: 2, waiting: 3 });
    const done: number[] = [];
    let active = 0;
    let mostActive = 0;
    const answers = await Promise.allSettled(
      Array.from({ length: 7 }, (_, n) =>
        turns.take(async () => {
          active += 1;
          mostActive = Math.max(mostActive, active);
          await new Promise(setImmediate);
          active -= 1;
          done.push(n);
        }),
      ),
    );
    expect(mostActive).toBe(2);
    expect(done).toEqual([0, 1, 2, 3, 4]);
    expect(answers.slice(5).map((answer) => answer.status === 'rejected' && answer.reason)).toEqual([
      expect.any(TooManyWaiting),
      expect.any(TooManyWaiting),
    ]);
  });

  it('are given back by work that fails', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 1 });
    for (let round = 0; round < 3; round += 1) {
      await expect(turns.take(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    }
    expect(await turns.take(() => Promise.resolve('well'))).toBe('well');
  });
});
