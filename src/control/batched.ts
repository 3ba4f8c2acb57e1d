import DataLoader from 'dataloader';

/**
 * Turns many calls for one thing each into few calls for many: what is asked for in one turn of the event loop is asked
 * for together. Nothing is remembered between calls.
 */
export function batched<Key, Value>(
  load: (keys: readonly Key[]) => Promise<(Value | Error)[]>,
  max = 500,
): (key: Key) => Promise<Value> {
  const loader = new DataLoader<Key, Value>(load, {
    cache: false,
    maxBatchSize: max,
    batchScheduleFn: (dispatch) => setImmediate(dispatch),
  });
  return (key) => loader.load(key);
}
