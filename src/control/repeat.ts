import type { Logger } from 'pino';

/**
 * Calls `run` every `intervalMs` milliseconds, never twice at once. A failure is logged and the next turn tries again: the
 * loops of the control plane outlive any outage. `stop` waits for the turn under way.
 */
export function repeat(
  intervalMs: number,
  log: Logger,
  name: string,
  run: () => Promise<void>,
): { stop(): Promise<void>; now(): void } {
  let stopped = false;
  let again = false;
  let turn: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const takeTurn = () => {
    if (stopped) return;
    if (turn !== null) {
      again = true;
      return;
    }
    clearTimeout(timer);
    again = false;
    turn = run()
      .catch((error: unknown) => log.warn({ err: error }, `${name} failed; trying again`))
      .finally(() => {
        turn = null;
        if (!stopped) timer = setTimeout(takeTurn, again ? 0 : intervalMs);
      });
  };
  timer = setTimeout(takeTurn, intervalMs);

  return {
    now: takeTurn,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
