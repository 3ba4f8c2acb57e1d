/**
 * Keeps the servers of the integration tests running, so that one test file after another runs without starting them anew:
 *
 *     npx tsx scripts/test-env.ts --env /tmp/env.sh [--dir DIR]     in one terminal; Ctrl-C ends it
 *     source /tmp/env.sh; npx vitest run --project integration …    in another
 *
 * Without --env, the lines to source are printed to standard output. With --dir, the servers keep their data there.
 */
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startTestEnvironment } from '../test/support/environment.ts';

const { values } = parseArgs({ options: { dir: { type: 'string' }, env: { type: 'string' } } });
const { dir, env } = values;

if (dir !== undefined) {
  await mkdir(dir, { recursive: true });
  // PostgreSQL runs as another user where we are root.
  await chmod(dir, 0o755);
}
const environment = await startTestEnvironment((message) => console.error(message), dir === undefined ? {} : { dir });
const lines = Object.entries(environment.variables).map(([name, value]) => `export ${name}='${value}'\n`);
if (env === undefined) process.stdout.write(lines.join(''));
else {
  // Whole or not at all, for whoever waits for it. It holds a password.
  await writeFile(`${env}.new`, lines.join(''), { mode: 0o600 });
  await rename(`${env}.new`, env);
}
console.error(`Running${env === undefined ? '' : `; source ${env}`}. Ctrl-C ends it.`);

const keepAlive = setInterval(() => {}, 2 ** 30);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    clearInterval(keepAlive);
    // Twice is the same as once.
    void environment
      .stop()
      .then(() => (env === undefined ? undefined : rm(env, { force: true })))
      .then(() => console.error('Stopped.'));
  });
}
