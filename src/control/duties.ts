/** Loops that one process of the installation runs at a time: they begin when it gets the lease, and end when it loses it. */
import type { Logger } from 'pino';

export interface Loop {
  close(): Promise<void>;
}

export interface DutyOf<Loops extends Loop> {
  /** The loops, while they run here. */
  readonly loops: () => Loops | null;
  set(isMine: boolean): void;
  close(): Promise<void>;
}

export function createDuty<Loops extends Loop>(log: Logger, start: () => Loops): DutyOf<Loops> {
  let loops: Loops | null = null;
  let ending: Promise<void> = Promise.resolve();

  function end(): Promise<void> {
    const ended = loops;
    loops = null;
    ending = Promise.all([ending, ended?.close()]).then(
      () => undefined,
      (error: unknown) => log.warn({ err: error }, 'a loop did not end cleanly'),
    );
    return ending;
  }

  return {
    loops: () => loops,
    set(isMine) {
      if (!isMine) void end();
      else loops ??= start();
    },
    close: end,
  };
}

/** The next one when the one before has ended. */
export async function closeInTurn(loops: readonly Loop[]): Promise<void> {
  for (const loop of loops) await loop.close();
}
