import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../../scripts/dashboard.mjs', import.meta.url));
const run = promisify(execFile);

/**
 * Where the files of the dashboard are: asked for the first time, they are made if they are not there yet, which takes some seconds, in a
 * process of its own. Throws in words where they can't be made; the next call tries again.
 */
export function createDashboardFiles(): () => Promise<string> {
  let made: Promise<string> | null = null;
  return () =>
    (made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    }));
}

async function make(): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, [script], { maxBuffer: 16 * 1024 * 1024 });
    return stdout.trim();
  } catch (error) {
    const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr).trim() : '';
    const why = said.split('\n', 1)[0] || (error instanceof Error ? error.message : String(error));
    throw new Error(`the dashboard could not be built: ${why}`, { cause: error });
  }
}
