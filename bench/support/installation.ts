/** A whole control plane, as `hypervisor up` starts it, with an organization and its owner. */
import { setTimeout as sleep } from 'node:timers/promises';
import { makeConfig } from '../../src/config.ts';
import { type Hypervisor, startHypervisor } from '../../src/main.ts';
import type { DockerConnection } from '../../src/platform/docker-connection.ts';
import { type Account, openAccount } from './account.ts';
import type { BenchContext } from './bench.ts';
import { temporaryDirectory } from './store.ts';

export interface Installation {
  readonly url: string;
  readonly token: string;
  readonly hypervisor: Hypervisor;
  createCluster(body: Record<string, unknown>): Promise<{ id: string }>;
  /** A simulated cluster in which a service holds everything, so that what comes waits. */
  fullCluster(): Promise<{ id: string }>;
  deleteCluster(id: string): Promise<void>;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
}

/** Holds all of a cluster of 64 GB and 32 cores. */
export const filler = {
  docker_image: 'simulated/service',
  kind: 'service',
  ram_required: 64,
  cpu_required: 32,
  priority: 1,
};

export async function openInstallation(context: BenchContext, docker?: DockerConnection): Promise<Installation> {
  const dataDir = await temporaryDirectory(context);
  const config = makeConfig({ dataDir, port: 0, host: '127.0.0.1', logLevel: 'error' });
  const hypervisor = await context.acquire(
    'the control plane',
    () => startHypervisor(config, docker === undefined ? {} : { docker }),
    (running) => running.stop(),
  );
  const { url } = hypervisor;
  const { token, call } = await openAccount(url);
  const post = <T>(path: string, body: unknown) => call<T>('POST', path, body);
  let clusters = 0;
  const createCluster = (body: Record<string, unknown>) => {
    clusters += 1;
    return post<{ id: string }>('/clusters', { name: `bench-${clusters}`, ...body });
  };
  return {
    url,
    token,
    hypervisor,
    get: (path) => call('GET', path),
    post,
    createCluster,
    async fullCluster() {
      const cluster = await createCluster({ ram: 64, cpu: 32, gpu: 0, runtime: 'simulated' });
      await post('/deployments', { cluster_id: cluster.id, ...filler });
      await untilBusy(call, cluster.id);
      return cluster;
    },
    async deleteCluster(id) {
      await call('DELETE', `/clusters/${id}?force=true`);
    },
  };
}

export async function untilBusy(call: Account['call'], clusterId: string): Promise<void> {
  for (;;) {
    const cluster = await call<{ resources: { available: { cpu: number } } }>('GET', `/clusters/${clusterId}`);
    if (cluster.resources.available.cpu === 0) return;
    await sleep(20);
  }
}
