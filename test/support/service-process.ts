/** The service as a process of its own, for tests that kill it, by way of service-process.mjs. */
import { type Config, makeConfig } from '../../src/config.ts';
import { startHypervisor } from '../../src/main.ts';

const given = JSON.parse(process.argv[2] ?? '{}') as Partial<Config>;
const service = await startHypervisor(makeConfig(given, {}));
process.once('SIGTERM', () => {
  service.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
// Whoever started it holds the other end, and is gone: however it ended, nothing is left running.
process.stdin.on('end', () => process.exit(1)).resume();
process.stdout.write(`ready ${service.url}\n`);
