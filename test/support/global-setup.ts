import { startTestEnvironment } from './environment.ts';

/** Once for a run of the integration tests; what it starts is stopped at the end, whatever the tests did. */
export default async function setup(): Promise<() => Promise<void>> {
  const environment = await startTestEnvironment((message) => console.error(`  ${message}`));
  // The processes of the tests inherit them.
  Object.assign(process.env, environment.variables);
  // Ctrl-C ends a run of Vitest by way of the tear-down; these would not.
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void environment.stop().finally(() => process.exit(1)));
  return () => environment.stop();
}
