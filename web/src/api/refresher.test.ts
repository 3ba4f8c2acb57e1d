import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRefresher } from './refresher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A page that shows an answer, which takes `answerMs` and is what was true when it was asked for. */
function showing(answerMs: number) {
  const queries = new QueryClient();
  const server = { value: 'old', asked: 0 };
  const shown = new QueryObserver(queries, {
    queryKey: ['clusters'],
    queryFn: async () => {
      server.asked += 1;
      const { value } = server;
      await new Promise((resolve) => setTimeout(resolve, answerMs));
      return value;
    },
  });
  shown.subscribe(() => undefined);
  return {
    refresher: createRefresher(queries, { settleMs: 50, refreshMs: 1000 }),
    server,
    shown: () => shown.getCurrentResult().data,
  };
}

it('a change is shown soon, and many that come together are asked for once', async () => {
  const { refresher, server, shown } = showing(10);
  await vi.advanceTimersByTimeAsync(20);
  server.value = 'new';
  for (let change = 0; change < 20; change += 1) refresher.note([['clusters']]);
  await vi.advanceTimersByTimeAsync(100);
  expect(shown()).toBe('new');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(server.asked).toBe(2);
});

it('a change that comes while an answer is under way is shown too, however slow answers are', async () => {
  const { refresher, server, shown } = showing(3_000);
  await vi.advanceTimersByTimeAsync(100);
  server.value = 'new';
  refresher.note([['clusters']]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(shown()).toBe('new');
});

it('changes that never cease do not keep a slow answer from being shown', async () => {
  const { refresher, shown } = showing(3_000);
  const changes = setInterval(() => refresher.note([['clusters']]), 100);
  await vi.advanceTimersByTimeAsync(3_500);
  expect(shown()).toBe('old');
  clearInterval(changes);
  refresher.close();
});
