import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { busyboxImage } from '../src/platform/busybox-image.ts';
import { type Bench, median } from './support/bench.ts';
import { openDockerInstallation } from './support/docker-installation.ts';
import type { Installation } from './support/installation.ts';

const pairs = 100;
const command = ['sleep', '60'];
const ramGb = 0.064;
const memory = Math.round(ramGb * 1024 ** 3);

export const bench: Bench = {
  about: `From the request to the moment at which the container's process starts (the engine's own StartedAt), on an empty
cluster: submitted to Hypervisor, against a plain create and start of the same image by the same client library on the same
engine. Both are done ${pairs} times in turn; the overhead is the difference of a pair.`,
  async run(context) {
    const { docker, installation } = await openDockerInstallation(context);
    const cluster = await installation.createCluster({ ram: 64, cpu: 64, gpu: 0, runtime: 'docker' });

    const submitted: number[] = [];
    const plain: number[] = [];
    for (let pair = -3; pair < pairs; pair += 1) {
      context.signal.throwIfAborted();
      const ofPlain = await startPlainly(docker);
      const ofSubmitted = await submit(installation, docker, cluster.id);
      // The first ones meet a cold engine and a cold control plane.
      if (pair < 0) continue;
      plain.push(ofPlain);
      submitted.push(ofSubmitted);
    }
    const overhead = submitted.map((value, i) => value - (plain[i] ?? 0));
    context.say(`median ${median(submitted).toFixed(1)} ms, plainly ${median(plain).toFixed(1)} ms`);
    return {
      overhead: { values: overhead, unit: 'ms', target: { atMost: 25 } },
      submitted: { values: submitted, unit: 'ms' },
      plain: { values: plain, unit: 'ms' },
    };
  },
};

/** The same limits as Hypervisor sets, so that the engine has the same to do. */
async function startPlainly(docker: Docker): Promise<number> {
  const at = Date.now();
  const container = await docker.createContainer({
    name: `hypervisor-bench-${randomUUID()}`,
    Image: busyboxImage,
    Cmd: command,
    HostConfig: { Memory: memory, MemorySwap: memory, CpuPeriod: 100_000, CpuQuota: 10_000 },
  });
  try {
    await container.start();
    return await startedAfter(docker, container.id, at);
  } finally {
    await container.remove({ force: true });
  }
}

interface Detail {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly replica_states: readonly { readonly container_id: string | null }[];
}

async function submit(installation: Installation, docker: Docker, clusterId: string): Promise<number> {
  const at = Date.now();
  const { id } = await installation.post<{ id: string }>('/deployments', {
    cluster_id: clusterId,
    docker_image: busyboxImage,
    command,
    ram_required: ramGb,
    cpu_required: 0.1,
    stop_grace_s: 0,
  });
  const container = await untilRunning(installation, id);
  const elapsed = await startedAfter(docker, container, at);
  await installation.post(`/deployments/${id}/stop`, undefined);
  await untilEnded(installation, id);
  return elapsed;
}

async function startedAfter(docker: Docker, containerId: string, at: number): Promise<number> {
  const { State } = await docker.getContainer(containerId).inspect();
  return Date.parse(State.StartedAt) - at;
}

async function untilRunning(installation: Installation, id: string): Promise<string> {
  // Nobody asks while it is being measured: answering takes time, too. The engine keeps the time for us.
  await sleep(500);
  for (;;) {
    const deployment = await installation.get<Detail>(`/deployments/${id}`);
    const container = deployment.replica_states[0]?.container_id ?? null;
    if (deployment.status === 'running' && container !== null) return container;
    if (deployment.status === 'failed') throw new Error(`a deployment failed: ${deployment.reason}`);
    await sleep(20);
  }
}

/** Ended, and its container cleaned up: nothing of it is left to disturb the next one. */
async function untilEnded(installation: Installation, id: string): Promise<void> {
  while ((await installation.get<Detail>(`/deployments/${id}`)).status !== 'cancelled') await sleep(20);
  while ((await installation.hypervisor.runtimes.docker.list()).length > 0) await sleep(20);
}
