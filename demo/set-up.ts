/** Everything the story needs, each part with the promise to take it away again: an engine, a control plane, a cluster. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { makeConfig } from '../src/config.ts';
import { type Hypervisor, startHypervisor } from '../src/main.ts';
import { ensureBusyboxImage } from '../src/platform/busybox-image.ts';
import { type DockerEngine, provisionDockerEngine } from '../src/platform/docker-engine.ts';
import { type CleanUp, untilAborted } from './clean-up.ts';
import { Client, type Cluster } from './client.ts';

export interface Stage {
  readonly client: Client;
  readonly cluster: Cluster;
}

interface Context {
  readonly cleanUp: CleanUp;
  readonly signal: AbortSignal;
  readonly say: (message: string) => void;
}

export async function setUp(context: Context): Promise<Stage> {
  const { cleanUp, signal, say } = context;
  const root = await cleanUp.acquire('the temporary directory', signal, makeDirectory, (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const engine = await cleanUp.acquire(
    'the Docker Engine',
    signal,
    () => openEngine(join(root, 'docker'), say),
    (opened) => opened.stop(),
  );
  await cleanUp.acquire(
    'the image',
    signal,
    () => ensureBusyboxImage(new Docker(engine.connection), { say }),
    // It stays, so that the next demo has it.
    () => Promise.resolve(),
  );
  const hypervisor = await cleanUp.acquire(
    'the control plane',
    signal,
    () => openHypervisor(join(root, 'data'), engine, say),
    close,
  );
  const client = new Client(hypervisor.url, signal);
  const cluster = await untilAborted(createCluster(client), signal);
  say(`made the cluster "${cluster.name}": ${cluster.ram} GB of RAM, ${cluster.cpu} cores, ${cluster.gpu} GPU`);
  return { client, cluster };
}

/** Others may enter it: PostgreSQL runs as another user where we are root. */
async function makeDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'hypervisor-demo-'));
  await chmod(path, 0o755);
  return path;
}

async function openEngine(dataRoot: string, say: Context['say']): Promise<DockerEngine> {
  say('looking for a Docker Engine');
  const engine = await provisionDockerEngine({ say, dataRoot });
  say(`a Docker Engine answers${engine.socketPath === null ? '' : ` on ${engine.socketPath}`}`);
  return engine;
}

async function openHypervisor(dataDir: string, engine: DockerEngine, say: Context['say']): Promise<Hypervisor> {
  // Not from the environment: a demo touches no database but its own.
  const config = makeConfig({ dataDir, host: '127.0.0.1', port: 0, logLevel: 'fatal' }, {});
  const hypervisor = await startHypervisor(config, { say, docker: engine.connection });
  say(`the control plane answers on ${hypervisor.url}`);
  return hypervisor;
}

/** Ends the control plane, then removes what containers it has left. */
async function close(hypervisor: Hypervisor): Promise<void> {
  await hypervisor.stop();
  const { docker } = hypervisor.runtimes;
  for (const container of await docker.list()) await docker.remove(container.key);
}

async function createCluster(client: Client): Promise<Cluster> {
  const password = randomBytes(24).toString('base64url');
  const account = { username: 'ada', email: 'ada@example.com', password };
  const { token } = await client.post<{ token: string }>('/auth/register', account);
  client.token = token;
  const organization = await client.post<{ id: string }>('/organizations', { name: 'Demo' });
  await client.patch('/me', { organization_id: organization.id });
  return client.post<Cluster>('/clusters', {
    name: 'demo',
    ram: 1,
    cpu: 2,
    gpu: 1,
    runtime: 'docker',
    // An interval that can be watched. Reservations are off, in effect: here it is age that is to be seen.
    policy: { aging_interval_s: 3, reservation_after_s: 3600 },
  });
}
