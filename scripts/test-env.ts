/**
 * Keeps the servers of the integration tests running, so that one test file after another runs without starting them anew:
 * `npx tsx scripts/test-env.ts > env.sh` in one terminal, `source env.sh` in another. Ctrl-C ends it.
 */
import { startTestEnvironment } from '../test/support/environment.ts';

const environment = await startTestEnvironment((message) => console.error(message));
for (const [name, value] of Object.entries(environment.variables)) console.log(`export ${name}='${value}'`);
console.error('Running; Ctrl-C ends it.');
const keepAlive = setInterval(() => {}, 1 << 30);
const end = () => {
  clearInterval(keepAlive);
  environment.stop().then(
    () => console.error('Stopped.'),
    (error: unknown) => console.error(error),
  );
};
process.once('SIGINT', end);
process.once('SIGTERM', end);
