import DataLoader from 'dataloader';

interface BatchOptions {
  /** How many one call takes at the most. */
  readonly max?: number;
  /**
   * Whether the next call waits for the one under way, and takes along what is asked for meanwhile: where each holds a connection
   * and locks, many of them would only wait for each other.
   */
  readonly oneAtATime?: boolean;
}

/**
 * Turns many calls for one thing each into few calls for many: what is asked for in one turn of the event loop is asked
 * for together. Nothing is remembered between calls.
 */
export function batched<Key, Value>(
  load: (keys: readonly Key[]) => Promise<(Value | Error)[]>,
  { max = 500, oneAtATime = false }: BatchOptions = {},
): (key: Key) => Promise<Value> {
  const turns = oneAtATime ? new Turns() : null;
  const loader = new DataLoader<Key, Value>(turns === null ? load : (keys) => turns.use(() => load(keys)), {
    cache: false,
    maxBatchSize: max,
    batchScheduleFn: (dispatch) => (turns === null ? setImmediate(dispatch) : turns.line(dispatch)),
  });
  return (key) => loader.load(key);
}

/** One batch is sent off when the one before it is done; until then it grows. */
class Turns {
  #last: Promise<void> = Promise.resolve();
  #end: () => void = () => undefined;

  line(dispatch: () => void): void {
    this.#last = this.#last.then(
      () =>
        new Promise((resolve) => {
          this.#end = resolve;
          setImmediate(dispatch);
        }),
    );
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#end();
    }
  }
}
