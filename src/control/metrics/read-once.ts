import { setTimeout as sleep } from 'node:timers/promises';

/** Prometheus gives up on a scrape after ten seconds: what does not come soon is left out, so that the rest gets through. */
const patienceMs = 2_000;

/**
 * What several metrics show is read once for all that ask at the same time. Null where it cannot be read in time: metrics are needed most
 * when the database does not answer.
 */
export function readOnce<Answer>(read: () => Promise<Answer>): () => Promise<Answer | null> {
  let underWay: Promise<Answer | null> | null = null;
  return () => {
    underWay ??= inTime(read).finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

async function inTime<Answer>(read: () => Promise<Answer>): Promise<Answer | null> {
  const over = new AbortController();
  const patience = sleep(patienceMs, null, { signal: over.signal, ref: false }).catch(() => null);
  try {
    return await Promise.race([read(), patience]);
  } catch {
    return null;
  } finally {
    over.abort();
  }
}
