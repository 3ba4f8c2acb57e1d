import { type ContainerKey, type LogLine, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { keepLog } from '../store/replica-logs.ts';
import { markCleaned } from '../store/work.ts';

/** As much of a log is kept as a person would read: its last lines, up to this many characters. */
const keptCharacters = 4 * 1024 * 1024;

/**
 * After a run ended: keeps its log, then removes its container, then says so. Each step may be repeated; a crash between
 * two of them leaves something that the next sweep finishes.
 */
export async function cleanUp(db: Database, runtime: Runtime, key: ContainerKey): Promise<void> {
  if ((await runtime.inspect(key)) !== null) {
    const tail = await readTail(runtime, key).catch(nullIfGone);
    // Somebody else is just removing it, and has kept its log; if they come to nothing, the next sweep is back.
    if (tail === null) return;
    await keepLog(db, key, tail.lines, tail.truncated);
    await runtime.remove(key);
  }
  await markCleaned(db, key);
}

function nullIfGone(error: unknown): null {
  if (error instanceof RuntimeError && error.code === 'not_found') return null;
  throw error;
}

async function readTail(runtime: Runtime, key: ContainerKey): Promise<{ lines: LogLine[]; truncated: boolean }> {
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
