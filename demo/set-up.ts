/** Everything the story needs, each part with the promise to take it away again: an engine, a control plane, a cluster. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeConfig } from '../src/config.ts';
import { type Hypervisor, startHypervisor } from '../src/main.ts';
import { ensureBusyboxImage } from '../src/platform/busybox-image.ts';
import { findDockerEngine, provisionDockerEngine } from '../src/platform/docker-engine.ts';
import { type CleanUp, untilAborted } from './clean-up.ts';
import { Client, type Cluster } from './client.ts';

interface Context {
  readonly cleanUp: CleanUp;
  readonly signal: AbortSignal;
  readonly say: (message: string) => void;
}

export interface Stage {
  readonly client: Client;
  readonly cluster: Cluster;
}

export async function setUp(context: Context): Promise<Stage> {
  const { cleanUp, signal, say } = context;
  const root = await cleanUp.acquire('the temporary directory', signal, makeDirectory, removeDirectory);
  const docker = await openEngine(context, root);
  say('making the image that the deployments use');
  await untilAborted(ensureBusyboxImage(docker, { say }), signal);
  say('starting PostgreSQL and the control plane');
  const config = makeConfig({ dataDir: join(root, 'data'), host: '127.0.0.1', port: 0, logLevel: 'fatal' }, {});
  const hypervisor = await cleanUp.acquire(
    'the control plane',
    signal,
    () => startHypervisor(config, { say, docker }),
    stopAll,
  );
  const client = new Client(hypervisor.url, signal);
  const cluster = await createCluster(client);
  say(`made the cluster "${cluster.name}": ${cluster.ram} GB of RAM, ${cluster.cpu} cores, ${cluster.gpu} GPU`);
  return { client, cluster };
}
