import pLimit from 'p-limit';
import { type ContainerKey, type LogLine, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { type Attempt, type EndedRun, markCleaned, readEndedRuns } from '../store/ended-runs.ts';
import { attemptsWithUnusedNetworks } from '../store/private-networks.ts';
import { type KeptLog, keepLogs } from '../store/replica-logs.ts';
import type { EngineKey } from '../store/work.ts';
import { batched } from './batched.ts';

/** As much of a log is kept as a person would read: its last lines, up to this many characters. */
const keptCharacters = 4 * 1024 * 1024;
/** How many logs are in memory at once. */
const logsAtOnce = 16;

interface Deps {
  readonly db: Database;
  readonly runtimeOf: (engine: EngineKey) => Runtime;
  readonly onUnreachable: (engine: EngineKey, error: Error) => void;
}

/**
 * Cleans up after an attempt, as far as its runs have ended: keeps their logs, then removes their containers, then says so; after the last
 * one, removes the network of their own. Each step may be repeated; a crash between two of them leaves something that the next sweep
 * finishes. What many need at once of the database is asked together.
 */
export function createCleanUp({ db, runtimeOf, onUnreachable }: Deps): (attempt: Attempt) => Promise<void> {
  const limited = pLimit(logsAtOnce);
  const endedRuns = batched(async (attempts: readonly Attempt[]) => {
    const byAttempt = new Map<string, EndedRun[]>(attempts.map((attempt) => [nameOf(attempt), []]));
    for (const run of await readEndedRuns(db, attempts)) byAttempt.get(nameOf(run))?.push(run);
    return attempts.map((attempt) => byAttempt.get(nameOf(attempt)) ?? []);
  });
  const isNetworkUnused = batched(async (attempts: readonly Attempt[]) => {
    const unused = new Set((await attemptsWithUnusedNetworks(db, attempts)).map(nameOf));
    return attempts.map((attempt) => unused.has(nameOf(attempt)));
  });
  const keep = batched(async (logs: readonly (KeptLog & { readonly key: ContainerKey })[]) => {
    await keepLogs(db, logs);
    return logs.map(() => true);
  });
  const mark = batched(async (runs: readonly ContainerKey[]) => {
    await markCleaned(db, runs);
    return runs.map(() => true);
  });

  async function cleanUpRun(runtime: Runtime, key: ContainerKey): Promise<void> {
    if ((await runtime.inspect(key)) !== null) {
      const tail = await readTail(runtime, key).catch(nullIfGone);
      // Somebody else is just removing it, and has kept its log; if they come to nothing, the next sweep is back.
      if (tail === null) return;
      await keep({ key, ...tail });
      await runtime.remove(key);
    }
    await mark(key);
  }

  async function cleanUpThere(run: EndedRun): Promise<void> {
    try {
      await limited(() => cleanUpRun(runtimeOf(run), run));
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'unreachable') throw error;
      onUnreachable(run, error);
    }
  }

  return async (attempt) => {
    const runs = await endedRuns(attempt);
    for (const run of runs) await cleanUpThere(run);
    // Where another task has cleaned up, the next look at the engine removes it.
    if (!runs.some(({ hasNetwork }) => hasNetwork) || !(await isNetworkUnused(attempt))) return;
    const engines = new Map(runs.map((run) => [run.engineId, run]));
    for (const run of engines.values()) await runtimeOf(run).removeNetwork(run);
  };
}

const nameOf = ({ deploymentId, attempt }: Attempt) => `${deploymentId}/${attempt}`;

function nullIfGone(error: unknown): null {
  if (error instanceof RuntimeError && error.code === 'not_found') return null;
  throw error;
}

async function readTail(runtime: Runtime, key: ContainerKey): Promise<KeptLog> {
  const lines: LogLine[] = [];
  let characters = 0;
  let first = 0;
  for await (const line of runtime.logs(key, {})) {
    lines.push(line);
    characters += line.text.length;
    while (characters > keptCharacters && first < lines.length - 1) {
      characters -= lines[first]?.text.length ?? 0;
      first += 1;
    }
  }
  return { lines: lines.slice(first), truncated: first > 0 };
}
