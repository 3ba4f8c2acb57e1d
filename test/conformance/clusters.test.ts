import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';
import {
  type Amounts,
  ascending,
  type Client,
  type Cluster,
  type Deployment,
  newOwner,
  type Problem,
  sumOf,
  unique,
  until,
} from './client.ts';

let service: TestService;
let owner: Client;
beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const none: Amounts = { ram: 0, cpu: 0, gpu: 0 };

function clusterBody(change: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: unique('cluster'), ram: 32, cpu: 8, gpu: 2, runtime: 'simulated', ...change };
}

test('11. create returns an id; available equals total', async () => {
  const body = clusterBody({ ram: 31.5, cpu: 7.125, gpu: 2 });
  const made = await owner.call<Cluster>('POST', '/clusters', body);
  expect(made.id).toMatch(/\S+/);
  expect(made).toMatchObject({ name: body['name'], ram: 31.5, cpu: 7.125, gpu: 2, runtime: 'simulated' });
  const size = { ram: 31.5, cpu: 7.125, gpu: 2 };
  expect(made.resources).toEqual({ total: size, allocated: none, available: size });
  const read = await owner.cluster(made.id);
  expect(read.resources).toEqual(made.resources);
  expect(read.deployments).toEqual({ queued: 0, active: 0 });
  const nodes = await owner.nodes(made.id);
  expect(nodes).toHaveLength(1);
  expect(nodes[0]!.resources).toEqual(made.resources);

  const gpus = [{ model: 'a100' }, { model: 'a100' }];
  const several = await owner.createCluster({
    nodes: [
      { name: 'one', ram: 16, cpu: 4 },
      { name: 'two', ram: 64.25, cpu: 0.5, gpus },
    ],
  });
  expect(several.resources.available).toEqual({ ram: 80.25, cpu: 4.5, gpu: 2 });
});

test('12. GPU 0 is fine; a missing field is 400 naming it', async () => {
  const made = await owner.call<Cluster>('POST', '/clusters', clusterBody({ gpu: 0 }));
  expect(made.resources.available).toEqual({ ram: 32, cpu: 8, gpu: 0 });
  for (const field of ['name', 'ram', 'cpu', 'gpu']) {
    const problem = await owner.refused(400, 'POST', '/clusters', clusterBody({ [field]: undefined }));
    expect(fieldsOf(problem), field).toEqual([field]);
    expect(problem.detail).toContain(`\`${field}\``);
  }
});

test('13. negative, not a number, too many decimals, absurdly large: 400 naming the field', async () => {
  const before = (await owner.all<Cluster>('/clusters')).length;
  const wrong: unknown[] = [-1, -0.001, '8', 'NaN', null, true, [], {}, 1.0001, 1e308, 1e9];
  for (const field of ['ram', 'cpu', 'gpu']) {
    for (const value of wrong) {
      const problem = await owner.refused(400, 'POST', '/clusters', clusterBody({ [field]: value }));
      expect(fieldsOf(problem), `${field} = ${JSON.stringify(value)}`).toEqual([field]);
    }
  }
  // Half a GPU device cannot be had.
  expect(fieldsOf(await owner.refused(400, 'POST', '/clusters', clusterBody({ gpu: 0.5 })))).toEqual(['gpu']);
  expect((await owner.all<Cluster>('/clusters')).length).toBe(before);
});

test('14. a duplicate name in the organization is 409', async () => {
  const name = unique('twin');
  const first = await owner.createCluster({ name });
  for (const same of [name, name.toUpperCase()]) {
    expect((await owner.refused(409, 'POST', '/clusters', clusterBody({ name: same }))).code).toBe('name_taken');
  }
  const other = await owner.createCluster();
  expect((await owner.refused(409, 'PATCH', `/clusters/${other.id}`, { name })).code).toBe('name_taken');
  // Another organization's names are its own.
  const stranger = await newOwner(service.url);
  await stranger.createCluster({ name });
  // A racing pair: one wins.
  const raced = clusterBody();
  const answers = await Promise.all([owner.ask('POST', '/clusters', raced), owner.ask('POST', '/clusters', raced)]);
  expect(answers.map((answer) => answer.status).toSorted(ascending)).toEqual([201, 409]);
  // The name of a deleted one is free.
  await owner.call('DELETE', `/clusters/${first.id}`);
  await owner.createCluster({ name });
});

test('15. total = allocated + available in every dimension, per node and in sum, at every instant, under load', async () => {
  const gpus = [{}, {}];
  const cluster = await owner.createCluster({
    nodes: [
      { name: 'a', ram: 16, cpu: 4, gpus },
      { name: 'b', ram: 8.5, cpu: 8, gpus },
      { name: 'c', ram: 4, cpu: 2 },
    ],
  });
  const { total } = cluster.resources;
  let done = false;
  let busiest = 0;
  let samples = 0;
  const watch = async () => {
    while (!done) {
      const { resources } = await owner.cluster(cluster.id);
      expect(resources.total).toEqual(total);
      checkSum(resources);
      const nodes = await owner.nodes(cluster.id);
      for (const node of nodes) {
        checkSum(node.resources);
        expect(sumOf(node.gpus.map((gpu) => ({ ram: 0, cpu: 0, gpu: gpu.allocated }))).gpu).toBe(
          node.resources.allocated.gpu,
        );
      }
      expect(sumOf(nodes.map((node) => node.resources.total))).toEqual(total);
      busiest = Math.max(busiest, resources.allocated.cpu);
      samples += 1;
    }
  };
  const submitted: string[] = [];
  const submitMany = async (seed: number) => {
    for (let i = 0; i < 25; i += 1) {
      const n = seed * 31 + i * 7;
      const made = await owner.submit(cluster.id, {
        kind: 'job',
        ram_required: 0.25 + (n % 13) / 4,
        cpu_required: 0.125 + (n % 5) / 2,
        gpu_required: [0, 0, 0.25, 1, 2][n % 5]!,
        priority: 1 + (n % 100),
        replicas: 1 + (n % 3 === 0 ? 1 : 0),
        env: { SIM_RUN_MS: String(20 + (n % 7) * 20), SIM_EXIT_CODE: String(n % 4 === 0 ? 1 : 0) },
      });
      submitted.push(made.id);
      const verb = ['cancel', 'stop', null, null][n % 4];
      // Some are cancelled or stopped, wherever they have got to by then.
      if (verb != null)
        expect([200, 409]).toContain((await owner.ask('POST', `/deployments/${made.id}/${verb}`)).status);
    }
  };
  const watching = Promise.all([watch(), watch()]);
  // Must not be an unhandled rejection while the submissions go on.
  watching.catch(() => undefined);
  await Promise.all([1, 2, 3, 4].map(submitMany));
  await until('everything has ended', async () => {
    const { deployments } = await owner.cluster(cluster.id);
    return deployments.queued === 0 && deployments.active === 0;
  });
  done = true;
  await watching;
  expect(busiest).toBeGreaterThan(0);
  expect(samples).toBeGreaterThan(10);
  expect(submitted).toHaveLength(100);
  expect((await owner.cluster(cluster.id)).resources).toEqual({ total, allocated: none, available: total });
  expect(await service.sql('select 1 from allocation where cluster_id = $1', [cluster.id])).toEqual([]);
  const counters = `select 1 from node where cluster_id = $1 and (ram_allocated, cpu_allocated, gpu_allocated) <> (0, 0, 0)`;
  expect(await service.sql(counters, [cluster.id])).toEqual([]);
});

test('16. scheduling never changes totals', async () => {
  const cluster = await owner.createCluster({ ram: 8, cpu: 4, gpu: 2 });
  const total = { ram: 8, cpu: 4, gpu: 2 };
  const made = await owner.submitAll(cluster.id, [
    { ram_required: 5, gpu_required: 1 },
    { ram_required: 5 },
    { ram_required: 3, gpu_required: 0.5 },
  ]);
  await owner.schedule(cluster.id);
  await owner.became(made[0]!.id, 'running');
  const during = await owner.cluster(cluster.id);
  expect(during.resources.total).toEqual(total);
  expect({ ram: during.ram, cpu: during.cpu, gpu: during.gpu }).toEqual(total);
  for (const { id } of made) await owner.cancel(id);
  await until('all have ended', async () => (await owner.cluster(cluster.id)).deployments.active === 0);
  expect((await owner.cluster(cluster.id)).resources).toEqual({ total, allocated: none, available: total });
});

test('17. deleting a cluster with active deployments is 409 unless forced; forced stops them; no container is orphaned', async () => {
  const engine = requireEngine();
  const idle = await owner.createCluster();
  expect((await owner.ask('DELETE', `/clusters/${idle.id}`)).status).toBe(204);
  await owner.refused(404, 'GET', `/clusters/${idle.id}`);

  const cluster = await owner.createCluster({ runtime: 'docker', ram: 0.5, cpu: 0.5, gpu: 0 });
  const made = await owner.submitAll(
    cluster.id,
    [0.2, 0.2, 0.5].map((ram) => ({
      docker_image: engine.image,
      command: ['sleep', '600'],
      ram_required: ram,
      cpu_required: 0.1,
      stop_grace_s: 0,
    })),
  );
  const ids = made.map(({ id }) => id);
  for (const id of ids.slice(0, 2)) await owner.became(id, 'running');
  expect((await engine.containersOf(ids)).filter((one) => one.state === 'running')).toHaveLength(2);

  expect((await owner.refused(409, 'DELETE', `/clusters/${cluster.id}`)).code).toBe('cluster_in_use');
  expect(await owner.statuses(ids)).toEqual(['running', 'running', 'queued']);

  const forced = await owner.ask<Cluster>('DELETE', `/clusters/${cluster.id}?force=true`);
  expect([202, 204]).toContain(forced.status);
  // Until it is gone it takes nothing new.
  const late = await owner.ask<Deployment>('POST', '/deployments', {
    cluster_id: cluster.id,
    docker_image: engine.image,
    ram_required: 0.1,
    cpu_required: 0.1,
  });
  expect([404, 409]).toContain(late.status);
  await until('the cluster is gone', async () => (await owner.ask('GET', `/clusters/${cluster.id}`)).status === 404);
  await until('no container is left', async () => (await engine.containersOf(ids)).length === 0);
  expect(await service.sql('select 1 from allocation where cluster_id = $1', [cluster.id])).toEqual([]);
  expect(await service.sql('select 1 from deployment where cluster_id = $1', [cluster.id])).toEqual([]);
  // Whoever follows events knows that it is gone, and not only that it was to go.
  await service.eventsTold();
  const told = await owner.all<{ type: string }>(`/events?cluster_id=${cluster.id}&type=cluster.*&order=asc`);
  expect(told.map(({ type }) => type).slice(-2)).toEqual(['cluster.deleted', 'cluster.removed']);
});

function checkSum({ total, allocated, available }: Cluster['resources']): void {
  expect(sumOf([allocated, available])).toEqual(total);
  for (const amount of [...Object.values(allocated), ...Object.values(available)]) {
    expect(amount).toBeGreaterThanOrEqual(0);
  }
}

function fieldsOf(problem: Problem): string[] {
  return [...new Set((problem.errors ?? []).map((error) => error.field))];
}
