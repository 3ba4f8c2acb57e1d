import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { ensureBusyboxImage } from '../../src/platform/busybox-image.ts';
import { provisionDockerEngine } from '../../src/platform/docker-engine.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { startRedis } from '../../src/platform/redis.ts';

/** What the tests find in their environment: real servers, started once for all of them. */
export interface TestEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const names = [
  'HYPERVISOR_TEST_DATABASE_URL',
  'HYPERVISOR_TEST_REDIS_URL',
  'HYPERVISOR_TEST_DOCKER_SOCKET',
  'HYPERVISOR_TEST_IMAGE',
];

/** Starts PostgreSQL, Redis and an engine in a temporary directory; nothing where a developer keeps them running already. */
export async function startTestEnvironment(say: (message: string) => void): Promise<TestEnvironment> {
  if (names.every((name) => process.env[name] !== undefined)) return { variables: {}, stop: () => Promise.resolve() };
  const dir = await mkdtemp(join(tmpdir(), 'hypervisor-test-'));
  await chmod(dir, 0o755);
  const started: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async () => {
    for (const stopOne of started.splice(0).toReversed()) await stopOne();
  };
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') });
    started.push(() => postgres.stop());
    const redis = await startRedis({ dir: join(dir, 'redis'), say });
    started.push(() => redis.stop());
    const engine = await provisionDockerEngine({ say, dataRoot: join(dir, 'docker') });
    started.push(() => engine.stop());
    const image = await ensureBusyboxImage(new Docker(engine.connection), { say });
    if (engine.socketPath === null)
      throw new Error('the tests need an engine on a Unix socket: unset DOCKER_HOST, or set it to unix://…');
    return {
      variables: {
        HYPERVISOR_TEST_DATABASE_URL: postgres.url,
        HYPERVISOR_TEST_REDIS_URL: redis.url,
        HYPERVISOR_TEST_DOCKER_SOCKET: engine.socketPath,
        HYPERVISOR_TEST_IMAGE: image,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
