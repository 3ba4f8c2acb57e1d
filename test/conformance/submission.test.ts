import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import {
  type Client,
  type Deployment,
  type DeploymentInput,
  newOwner,
  type Problem,
  submission,
  unique,
} from './client.ts';

let service: TestService;
let owner: Client;
beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const none = { ram: 0, cpu: 0, gpu: 0 };

test('18. a valid submission returns id and status `queued` with nothing allocated', async () => {
  const cluster = await owner.createCluster({ gpu: 1 });
  await owner.setSchedulable(cluster.id, false);
  const input = {
    name: unique('train'),
    kind: 'job',
    docker_image: 'registry.example.com:5000/team/app:2@sha256:'.concat('a'.repeat(64)),
    command: ['python', '-c', 'print("ä")'],
    env: { A: '1', B_2: '' },
    labels: { team: 'x' },
    ports: [{ container: 80, host: null, protocol: 'tcp' }],
    ram_required: 1.5,
    cpu_required: 0.25,
    gpu_required: 0.5,
    replicas: 2,
    priority: 7,
    time_limit_s: 60,
  } as const satisfies DeploymentInput;
  const answer = await owner.ask<Deployment>('POST', '/deployments', submission(cluster.id, { ...input }));
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({ ...input, cluster_id: cluster.id, status: 'queued', attempt: 1 });
  expect(answer.body.id).toMatch(/\S+/);
  expect(answer.body.submitted_by).toBe((await owner.me()).user.id);

  const read = await owner.deployment(answer.body.id);
  expect(read).toMatchObject({ ...input, status: 'queued', replica_states: [], admitted_at: null });
  const { resources, deployments } = await owner.cluster(cluster.id);
  expect(resources.allocated).toEqual(none);
  expect(deployments).toEqual({ queued: 1, active: 0 });
  expect(await service.sql('select 1 from allocation where deployment_id = $1', [read.id])).toEqual([]);
});

test('19. more than the cluster could ever give, in any dimension or on any node: 422 with dimension, request and the most', async () => {
  const one = await owner.createCluster({ ram: 32, cpu: 8, gpu: 2 });
  const several = await owner.createCluster({
    nodes: [
      { name: 'a', ram: 16, cpu: 4, gpus: [{ model: 'a100' }] },
      { name: 'b', ram: 12, cpu: 6, gpus: [{ model: 'h100' }] },
    ],
  });
  const cases: [string, DeploymentInput, string, number, number][] = [
    [one.id, { ram_required: 32.001 }, 'ram', 32.001, 32],
    [one.id, { cpu_required: 9 }, 'cpu', 9, 8],
    [one.id, { gpu_required: 3 }, 'gpu', 3, 2],
    // In sum there would be enough, but one replica runs on one node.
    [several.id, { ram_required: 20 }, 'ram', 20, 16],
    [several.id, { cpu_required: 6.5 }, 'cpu', 6.5, 6],
    [several.id, { gpu_required: 2 }, 'gpu', 2, 1],
  ];
  for (const [clusterId, input, dimension, asked, most] of cases) {
    const problem = await owner.refused(422, 'POST', '/deployments', submission(clusterId, input));
    const label = `${dimension} ${asked} of ${most}: ${problem.detail}`;
    expect(problem.code, label).toBe('never_fits');
    expect(fieldsOf(problem), label).toContain(`${dimension}_required`);
    const words = JSON.stringify(problem);
    expect(words, label).toMatch(numberIn(asked));
    expect(words, label).toMatch(numberIn(most));
  }
  // No node has both, no cluster holds so many at once, no device is of the model.
  const combined: DeploymentInput[] = [
    { ram_required: 14, cpu_required: 5 },
    { ram_required: 10, replicas: 3 },
    { gpu_required: 1, gpu_models: ['b200'] },
    { gpu_required: 1, gpu_models: ['a100'], cpu_required: 5 },
  ];
  for (const input of combined) {
    const problem = await owner.refused(422, 'POST', '/deployments', submission(several.id, input));
    expect(problem.code, JSON.stringify(input)).toBe('never_fits');
  }
  expect(await owner.all(`/deployments?cluster_id=${several.id}`)).toEqual([]);
  // A batch with one that never fits is refused whole.
  const batch = { deployments: [submission(several.id), submission(several.id, { ram_required: 20 })] };
  const problem = await owner.refused(422, 'POST', '/deployments/batch', batch);
  expect(fieldsOf(problem)).toContain('deployments.1.ram_required');
  expect(await owner.all(`/deployments?cluster_id=${several.id}`)).toEqual([]);
});

test('20. more than is free now but not than the total: queued', async () => {
  const cluster = await owner.createCluster({ ram: 8, cpu: 4, gpu: 0 });
  const first = await owner.submit(cluster.id, { ram_required: 6 });
  await owner.became(first.id, 'running');
  const second = await owner.submit(cluster.id, { ram_required: 8, cpu_required: 4 });
  expect(second.status).toBe('queued');
  const pass = await owner.schedule(cluster.id);
  expect(pass.admitted).toBe(0);
  expect(await owner.deployment(second.id)).toMatchObject({ status: 'queued', replica_states: [] });
  expect((await owner.cluster(cluster.id)).resources.available).toEqual({ ram: 2, cpu: 3, gpu: 0 });
});

test('21. an unknown cluster is 404', async () => {
  for (const id of ['00000000-0000-4000-8000-000000000000', 'no-id-at-all', '']) {
    expect((await owner.refused(404, 'POST', '/deployments', submission(id))).code, id).toBe('not_found');
  }
});

test('22. negative or zero requests where they make no sense: 400; availability unchanged', async () => {
  const cluster = await owner.createCluster({ gpu: 2 });
  const wrong: [keyof DeploymentInput, unknown][] = [
    ['ram_required', 0],
    ['ram_required', -1],
    ['ram_required', 0.0001],
    ['cpu_required', 0],
    ['cpu_required', -0.5],
    ['gpu_required', -1],
    ['gpu_required', 1.5],
    ['replicas', 0],
    ['replicas', -1],
    ['replicas', 1.5],
    ['time_limit_s', 0],
    ['stop_grace_s', -1],
  ];
  for (const [field, value] of wrong) {
    const problem = await owner.refused(400, 'POST', '/deployments', submission(cluster.id, { [field]: value }));
    expect(fieldsOf(problem), `${field} = ${JSON.stringify(value)}`).toEqual([field]);
  }
  for (const field of ['docker_image', 'ram_required', 'cpu_required', 'cluster_id']) {
    const problem = await owner.refused(400, 'POST', '/deployments', {
      ...submission(cluster.id),
      [field]: undefined,
    });
    expect(fieldsOf(problem)).toEqual([field]);
  }
  const { resources, deployments } = await owner.cluster(cluster.id);
  expect(resources.available).toEqual(resources.total);
  expect(deployments).toEqual({ queued: 0, active: 0 });
});

test('23. priority left out is 50; outside 1 to 100 is 400', async () => {
  const cluster = await owner.createCluster();
  expect((await owner.submit(cluster.id)).priority).toBe(50);
  for (const priority of [1, 100]) expect((await owner.submit(cluster.id, { priority })).priority).toBe(priority);
  for (const priority of [0, 101, -1, 1.5, '5', null]) {
    const body = { ...submission(cluster.id), priority };
    expect(fieldsOf(await owner.refused(400, 'POST', '/deployments', body)), String(priority)).toEqual(['priority']);
  }
});

test('24. a repeated submission with the same `Idempotency-Key` returns the first deployment; with another body 409', async () => {
  const cluster = await owner.createCluster();
  const key = { 'idempotency-key': unique('key') };
  const body = submission(cluster.id, { name: 'once' });
  const first = await owner.call<Deployment>('POST', '/deployments', body, key);
  const again = await owner.ask<Deployment>('POST', '/deployments', body, key);
  expect(again.status).toBeLessThan(300);
  expect(again.body.id).toBe(first.id);
  const other = await owner.ask<Problem>('POST', '/deployments', { ...body, priority: 1 }, key);
  expect(other.status).toBe(409);
  expect(other.body.code).toBe('idempotency_conflict');

  // At once, from ten clients: still one.
  const raced = { 'idempotency-key': unique('key') };
  const made = await Promise.all(
    Array.from({ length: 10 }, () => owner.call<Deployment>('POST', '/deployments', body, raced)),
  );
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);

  const batchKey = { 'idempotency-key': unique('key') };
  const batch = { deployments: [body, body] };
  type Batch = { deployments: Deployment[] };
  const firstBatch = await owner.call<Batch>('POST', '/deployments/batch', batch, batchKey);
  const secondBatch = await owner.call<Batch>('POST', '/deployments/batch', batch, batchKey);
  expect(secondBatch.deployments.map(({ id }) => id)).toEqual(firstBatch.deployments.map(({ id }) => id));

  // Keys are an organization's own, and without one a repetition is a new deployment.
  const stranger = await newOwner(service.url);
  const theirs = await stranger.createCluster();
  expect((await stranger.call<Deployment>('POST', '/deployments', submission(theirs.id), key)).id).not.toBe(first.id);
  expect((await owner.call<Deployment>('POST', '/deployments', body)).id).not.toBe(first.id);
  expect(await owner.all(`/deployments?cluster_id=${cluster.id}`)).toHaveLength(5);
});

function fieldsOf(problem: Problem): string[] {
  return [...new Set((problem.errors ?? []).map((error) => error.field))];
}

/** This number by itself, not as a part of another. */
function numberIn(value: number): RegExp {
  return new RegExp(String.raw`(?<![\d.])${String(value).replace('.', String.raw`\.`)}(?!\.?\d)`);
}
