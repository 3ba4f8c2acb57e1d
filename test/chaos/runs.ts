/** Every container that was started, real or simulated: when it began and ended, and how. */
import type pg from 'pg';
import type { EngineEvent } from '../support/engine-port.ts';
import { readSimulatedRuns } from './simulated-log.ts';

export interface Run {
  readonly deploymentId: string;
  readonly attempt: number;
  readonly replica: number;
  readonly run: number;
  /** Comparable within the same replica only: times, or places in the engine's record. */
  readonly began: number;
  /** Null: not at all. */
  ended: number | null;
  exitCode: number | null;
}

/** In the order in which they began. */
export async function readRuns(db: pg.Pool, events: readonly EngineEvent[]): Promise<Run[]> {
  const simulated = (await readSimulatedRuns(db)).map(
    ({ deployment_id: deploymentId, started, exit_code: exitCode, ...run }) => ({
      ...run,
      deploymentId,
      exitCode,
      began: started,
    }),
  );
  return [...simulated, ...runsOf(events)];
}

function runsOf(events: readonly EngineEvent[]): Run[] {
  const runs: Run[] = [];
  const running = new Map<string, Run>();
  for (const [at, { action, name, deploymentId, attempt, replica, run, exitCode }] of events.entries()) {
    if (action === 'start') {
      const began: Run = { deploymentId, attempt, replica, run, began: at, ended: null, exitCode: null };
      runs.push(began);
      running.set(name, began);
    }
    const ended = running.get(name);
    if (action === 'die' && ended !== undefined) {
      ended.ended = at;
      ended.exitCode = exitCode;
    }
  }
  return runs;
}
