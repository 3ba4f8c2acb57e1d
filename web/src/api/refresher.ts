import type { QueryClient, QueryKey } from '@tanstack/react-query';

interface Pace {
  /** How soon a first change is shown: the rest of what was committed together comes in the same moment. */
  readonly settleMs: number;
  /** A cluster in a storm has fifty events a second: what is shown is asked for again at most this often. */
  readonly refreshMs: number;
}

export interface Refresher {
  /** What is shown of these is old. */
  note(keys: readonly QueryKey[]): void;
  close(): void;
}

/** The first change is shown at once, those that follow together. */
export function createRefresher(queries: QueryClient, { settleMs, refreshMs }: Pace): Refresher {
  const waiting = new Map<string, QueryKey>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const refresh = () => {
    timer = null;
    if (waiting.size === 0) return;
    for (const [name, queryKey] of waiting) {
      // One under way may have been answered before the change: it is not broken off, or a slow one would never end, but asked once more.
      const isUnderWay = queries.isFetching({ queryKey }) > 0;
      void queries.invalidateQueries({ queryKey }, { cancelRefetch: false });
      if (!isUnderWay) waiting.delete(name);
    }
    timer = setTimeout(refresh, refreshMs);
  };
  return {
    note(keys) {
      for (const key of keys) waiting.set(JSON.stringify(key), key);
      timer ??= setTimeout(refresh, settleMs);
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      waiting.clear();
      timer = null;
    },
  };
}
