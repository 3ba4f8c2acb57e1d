/** A whole control plane, as `hypervisor up` starts it, with an organization and its owner. */
import { setTimeout as sleep } from 'node:timers/promises';
import { makeConfig } from '../../src/config.ts';
import { type Hypervisor, startHypervisor } from '../../src/main.ts';
import type { DockerConnection } from '../../src/platform/docker-connection.ts';
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

export async function openInstallation(context: BenchContext, docker?: DockerConnection): Promise<Installation> {
  const dataDir = await temporaryDirectory(context);
  const config = makeConfig({ dataDir, port: 0, host: '127.0.0.1', logLevel: 'error' });
  const hypervisor = await context.acquire(
    'the control plane',
    () => startHypervisor(config, docker === undefined ? {} : { docker }),
    (running) => running.stop(),
  );
  const { url } = hypervisor;
  const account = { username: 'bench', email: 'bench@example.com', password: 'measured more than once' };
  const { token } = await call<{ token: string }>(url, null, 'POST', '/auth/register', account);
  const organization = await call<{ id: string }>(url, token, 'POST', '/organizations', { name: 'Bench' });
  await call(url, token, 'PATCH', '/me', { organization_id: organization.id });
  const post = <T>(path: string, body: unknown) => call<T>(url, token, 'POST', path, body);
  let clusters = 0;
  const createCluster = (body: Record<string, unknown>) => {
    clusters += 1;
    return post<{ id: string }>('/clusters', { name: `bench-${clusters}`, ...body });
  };
  return {
    url,
    token,
    hypervisor,
    get: (path) => call(url, token, 'GET', path),
    post,
    createCluster,
    async fullCluster() {
      const cluster = await createCluster({ ram: 64, cpu: 32, gpu: 0, runtime: 'simulated' });
      const filler = {
        docker_image: 'simulated/service',
        kind: 'service',
        ram_required: 64,
        cpu_required: 32,
        priority: 1,
      };
      await post('/deployments', { cluster_id: cluster.id, ...filler });
      await untilBusy(url, token, cluster.id);
      return cluster;
    },
    async deleteCluster(id) {
      await call(url, token, 'DELETE', `/clusters/${id}?force=true`);
    },
  };
}

async function untilBusy(url: string, token: string, clusterId: string): Promise<void> {
  for (;;) {
    const cluster = await call<{ resources: { available: { cpu: number } } }>(
      url,
      token,
      'GET',
      `/clusters/${clusterId}`,
    );
    if (cluster.resources.available.cpu === 0) return;
    await sleep(20);
  }
}

async function call<T>(url: string, token: string | null, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}
