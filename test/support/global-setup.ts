import { startTestEnvironment } from './environment.ts';

/** Once for a run of the integration tests; what it starts is stopped at the end, whatever the tests did. */
export default async function setup(): Promise<() => Promise<void>> {
  const environment = await startTestEnvironment((message) => console.error(`  ${message}`));
  Object.assign(process.env, environment.variables);
  return () => environment.stop();
}
