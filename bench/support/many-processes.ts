/** One installation of so many processes per role, on one PostgreSQL. */
import type { Config } from '../../src/config.ts';
import type { ProcessRole } from '../../src/process-roles.ts';
import { end, type ServiceChild, spawnChild, untilReady } from '../../test/support/service-child.ts';
import { type Account, openAccount } from './account.ts';
import type { BenchContext } from './bench.ts';
import { type BenchStore, openStore, temporaryDirectory } from './store.ts';

export interface ManyProcesses extends Account {
  readonly store: BenchStore;
  /** Of the APIs. */
  readonly urls: readonly string[];
}

/** Each process has some thirty. */
const connectionsOfOne = 40;

export async function openProcesses(
  context: BenchContext,
  counts: Readonly<Partial<Record<ProcessRole, number>>>,
  env: Partial<Config> = {},
): Promise<ManyProcesses> {
  const dataDir = await temporaryDirectory(context);
  const processes = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const store = await openStore(context, { maxConnections: 50 + processes * connectionsOfOne });
  const urls: string[] = [];
  for (const [role, count] of Object.entries(counts) as [ProcessRole, number][]) {
    for (let one = 0; one < count; one += 1) {
      const config = { role, dataDir, databaseUrl: store.url, port: 0, logLevel: 'error', ...env };
      const { url } = await context.acquire(
        `a process of the role ${role}`,
        () => start(config),
        ({ child }) => end(child, 'SIGTERM'),
      );
      if (role === 'api' || role === 'all') urls.push(url);
    }
  }
  return { store, urls, ...(await openAccount(urls[0] ?? '')) };
}

async function start(config: Partial<Config>): Promise<{ child: ServiceChild; url: string }> {
  const child = spawnChild(config);
  return { child, url: await untilReady(child) };
}
