import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { ensureBusyboxImage } from '../../src/platform/busybox-image.ts';
import { createDashboardFiles } from '../../src/platform/dashboard-files.ts';
import { parseDockerHost } from '../../src/platform/docker-connection.ts';
import { provisionDockerEngine } from '../../src/platform/docker-engine.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { startRedis } from '../../src/platform/redis.ts';
import { findChromium } from './chromium.ts';
import { createTemplate } from './database.ts';

/** What the tests find in their environment: real servers, started once for all of them. */
export interface TestEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Several control planes at once, each with its pools. */
const maxConnections = 300;

/** A variable that is set names what a developer keeps running: it is used, and not started. */
const given = (name: string) => process.env[`HYPERVISOR_TEST_${name}`];

/** Starts PostgreSQL, Redis and an engine with a small image, in `dir` or a temporary directory. */
export async function startTestEnvironment(
  say: (message: string) => void,
  options: { dir?: string } = {},
): Promise<TestEnvironment> {
  const started: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | null = null;
  const stop = () => (stopping ??= stopAll(started, say));
  try {
    const dir = options.dir ?? (await makeDirectory(started));
    const variables: Record<string, string> = {};
    if (given('DATABASE_URL') === undefined) {
      const postgres = await startEmbeddedPostgres({ dataDir: dir, maxConnections });
      started.push(() => postgres.stop());
      variables['HYPERVISOR_TEST_DATABASE_URL'] = postgres.url;
      variables['HYPERVISOR_TEST_TEMPLATE'] = await createTemplate(postgres.url);
    }
    if (given('REDIS_URL') === undefined) {
      const redis = await startRedis({ dir: join(dir, 'redis'), say });
      started.push(() => redis.stop());
      variables['HYPERVISOR_TEST_REDIS_URL'] = redis.url;
    }
    const dashboard = builtDashboard(say);
    started.push(() => dashboard);
    Object.assign(variables, await startEngine(join(dir, 'docker'), say, started));
    const chromium = await installedChromium(say);
    await dashboard;
    if (chromium !== null) variables['HYPERVISOR_TEST_CHROMIUM'] = chromium;
    return { variables, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Here, and not by the first test that needs it: to install it may take minutes. Where it can't be, those tests say so. */
async function installedChromium(say: (message: string) => void): Promise<string | null> {
  try {
    return await findChromium(say);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** Once for all, and not by each of the servers that are asked for it at the same time. Where it can't be, those who ask are told. */
async function builtDashboard(say: (message: string) => void): Promise<void> {
  try {
    await createDashboardFiles()();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

async function startEngine(
  dataRoot: string,
  say: (message: string) => void,
  started: (() => Promise<unknown>)[],
): Promise<Record<string, string>> {
  const socket = given('DOCKER_SOCKET');
  const host = given('DOCKER_HOST') ?? (socket === undefined ? undefined : `unix://${socket}`);
  if (host !== undefined) {
    const image = given('IMAGE') ?? (await ensureBusyboxImage(new Docker(parseDockerHost(host)), { say }));
    return { HYPERVISOR_TEST_DOCKER_HOST: host, HYPERVISOR_TEST_IMAGE: image };
  }
  const engine = await provisionDockerEngine({ say, dataRoot });
  started.push(() => engine.stop());
  const image = await ensureBusyboxImage(new Docker(engine.connection), { say });
  return {
    ...(engine.socketPath !== null && { HYPERVISOR_TEST_DOCKER_SOCKET: engine.socketPath }),
    HYPERVISOR_TEST_DOCKER_HOST: engine.host,
    HYPERVISOR_TEST_IMAGE: image,
  };
}

async function makeDirectory(started: (() => Promise<unknown>)[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'hypervisor-test-'));
  started.push(() => rm(dir, { recursive: true, force: true }));
  // PostgreSQL runs as another user where we are root.
  await chmod(dir, 0o755);
  return dir;
}

/** In the reverse order; what can't be stopped does not keep the rest running. */
async function stopAll(started: readonly (() => Promise<unknown>)[], say: (message: string) => void): Promise<void> {
  for (const stopOne of started.toReversed()) {
    await stopOne().catch((error: unknown) => say(`the test environment did not stop cleanly: ${String(error)}`));
  }
}
