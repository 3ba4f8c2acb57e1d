import { useEffect, useReducer, useState } from 'react';
import { problemOf } from '../../api/client.ts';

export interface LogLine {
  /** Counts from the first line that was read. */
  readonly number: number;
  readonly replica: number;
  readonly stream: 'stdout' | 'stderr';
  readonly at: string;
  readonly text: string;
}

interface Shown {
  readonly lines: readonly LogLine[];
  /** Lines at the beginning that were let go of. */
  readonly dropped: number;
  readonly isOver: boolean;
  readonly error: unknown;
}

/** More than a person would read; a page that is open all day must not grow for ever. */
const linesMax = 50_000;
/** How many lines of what was said before are read first. */
const tail = 5_000;
/** New lines are shown together, as often as a screen can show them. */
const showMs = 100;

type Change = { readonly lines: readonly LogLine[] } | { readonly over: true } | { readonly error: unknown } | 'begin';

const nothing: Shown = { lines: [], dropped: 0, isOver: false, error: null };

export function shownAfter(shown: Shown, change: Change): Shown {
  if (change === 'begin') return nothing;
  if ('over' in change) return { ...shown, isOver: true };
  if ('error' in change) return { ...shown, error: change.error };
  const lines = [...shown.lines, ...change.lines];
  const surplus = Math.max(0, lines.length - linesMax);
  return { ...shown, lines: surplus === 0 ? lines : lines.slice(surplus), dropped: shown.dropped + surplus };
}

interface LogOf {
  readonly deploymentId: string;
  readonly replica: string;
  readonly attempt: number;
}

/** Reads a log and follows it until it ends. */
export function useLog({ deploymentId, replica, attempt }: LogOf): Shown & { readonly again: () => void } {
  const [shown, change] = useReducer(shownAfter, nothing);
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round reads it again
  useEffect(() => {
    const gone = new AbortController();
    change('begin');
    const query = new URLSearchParams({
      replica,
      attempt: String(attempt),
      tail: String(tail),
      follow: 'true',
      format: 'ndjson',
    });
    follow(`/api/v1/deployments/${deploymentId}/logs?${query.toString()}`, gone.signal, (lines) =>
      change({ lines }),
    ).then(
      () => change({ over: true }),
      (error: unknown) => {
        if (!gone.signal.aborted) change({ error });
      },
    );
    return () => gone.abort();
  }, [deploymentId, replica, attempt, round]);
  return { ...shown, again: () => setRound((before) => before + 1) };
}

async function follow(url: string, signal: AbortSignal, show: (lines: readonly LogLine[]) => void): Promise<void> {
  const response = await fetch(url, { signal, credentials: 'same-origin' });
  if (!response.ok || response.body === null) throw problemOf(await response.json().catch(() => null), response);
  let waiting: LogLine[] = [];
  let number = 0;
  const flush = () => {
    if (waiting.length > 0) show(waiting);
    waiting = [];
  };
  const timer = setInterval(flush, showMs);
  try {
    for await (const text of linesOf(response.body)) {
      waiting.push({ ...(JSON.parse(text) as Omit<LogLine, 'number'>), number: (number += 1) });
    }
  } finally {
    clearInterval(timer);
    if (!signal.aborted) flush();
  }
}

/** The lines of a body, as they come. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
  if (rest !== '') yield rest;
}
