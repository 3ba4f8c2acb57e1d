import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

test('shows after a second, ten times a second at most, and goes away', () => {
  const written: string[] = [];
  let now = 0;
  const progress = new Progress({ write: (text) => written.push(text), now: () => now });
  for (now = 0; now <= 1500; now += 50) progress.show('easy', now, 1500);
  expect(written).toHaveLength(6);
  expect(written.at(-1)).toContain('100 %  easy');
  progress.clear();
  expect(written.at(-1)).toBe('\r\u001b[K');
});

test('never shows where all is done within a second', () => {
  const written: string[] = [];
  const progress = new Progress({ write: (text) => written.push(text), now: () => 999 });
  progress.show('easy', 1, 2);
  progress.clear();
  expect(written).toEqual([]);
});
