import { startTestEnvironment, type TestEnvironment } from './environment.ts';

/** Each project of Vitest has modules of its own; what they share is kept here. */
const shared = globalThis as { hypervisorTests?: { readonly environment: Promise<TestEnvironment>; users: number } };

/** Once for a run, however many projects ask for it; what it starts is stopped when the last of them has ended, whatever the tests did. */
export default async function setup(): Promise<() => Promise<void>> {
  const run = (shared.hypervisorTests ??= { environment: start(), users: 0 });
  run.users += 1;
  const environment = await run.environment;
  return async () => {
    run.users -= 1;
    if (run.users === 0) await environment.stop();
  };
}

async function start(): Promise<TestEnvironment> {
  const environment = await startTestEnvironment((message) => console.error(`  ${message}`));
  // The processes of the tests inherit them.
  Object.assign(process.env, environment.variables);
  // Ctrl-C ends a run of Vitest by way of the tear-down; these would not.
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void environment.stop().finally(() => process.exit(1)));
  return environment;
}
