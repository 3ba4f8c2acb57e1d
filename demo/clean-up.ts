/** What was made is unmade in reverse order, whenever the demo ends: at its end, at an error, or at a signal at any moment. */

export class CleanUp {
  readonly #undo: { what: string; run: () => Promise<void> }[] = [];

  /**
   * Makes something and promises to unmake it. The promise is given before the making ends: whoever interrupts it in between
   * leaves nothing behind either. Rejects at once when `signal` aborts.
   */
  async acquire<T>(
    what: string,
    signal: AbortSignal,
    make: () => Promise<T>,
    unmake: (made: T) => Promise<void>,
  ): Promise<T> {
    signal.throwIfAborted();
    const made = make();
    this.#undo.push({
      what,
      run: async () => {
        const outcome = await made.then(
          (value) => ({ value }),
          () => null,
        );
        if (outcome !== null) await unmake(outcome.value);
      },
    });
    return untilAborted(made, signal);
  }

  /** Unmakes everything. One failure does not keep the rest from being unmade. Returns what failed. */
  async run(): Promise<string[]> {
    const failures: string[] = [];
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) {
      try {
        await step.run();
      } catch (error) {
        failures.push(`${step.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failures;
  }
}

/** The promise, or the reason of the abort, whichever comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

export class Interrupted extends Error {
  constructor(readonly signalName: NodeJS.Signals) {
    super(`interrupted by ${signalName}`);
    this.name = 'Interrupted';
  }
}

/** Aborts at the first signal. Further ones are ignored: the cleaning up is under way, and is to end. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}
