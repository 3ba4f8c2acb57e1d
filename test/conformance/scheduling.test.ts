import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdRegularPasses, startTestService, type TestService } from '../support/service.ts';
import {
  type Amounts,
  type Client,
  type Cluster,
  type ClusterInput,
  type Deployment,
  type DeploymentInput,
  type Event,
  newOwner,
  type PassResult,
  type QueueEntry,
  until,
} from './client.ts';

let service: TestService;
let owner: Client;
beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

type Pass = { trigger: 'automatic' | 'api'; admitted: number };
const passesOf = (clusterId: string) => owner.all<Pass>(`/clusters/${clusterId}/passes`);

/** Submits one after the other while nothing can be admitted, then lets the scheduler see them all at once. */
async function submitTogether(cluster: Cluster, inputs: readonly DeploymentInput[]): Promise<Deployment[]> {
  await owner.setSchedulable(cluster.id, false);
  const made: Deployment[] = [];
  for (const input of inputs) made.push(await owner.submit(cluster.id, input));
  await owner.setSchedulable(cluster.id, true);
  return made;
}

/** Waits until the scheduler has decided on all, and nothing is on its way. Returns the statuses in the order of `made`. */
async function settled(cluster: Cluster, made: readonly Deployment[], running: number): Promise<string[]> {
  await until(`${running} run`, async () => {
    const statuses = await owner.statuses(made.map(({ id }) => id));
    return statuses.filter((status) => status === 'running').length === running;
  });
  // Nothing that could follow has been left out: another pass finds nothing to admit.
  expect((await owner.schedule(cluster.id)).admitted).toBe(0);
  return owner.statuses(made.map(({ id }) => id));
}

async function runsAfter(
  size: Partial<ClusterInput>,
  inputs: readonly DeploymentInput[],
  running: number,
): Promise<{ cluster: Cluster; made: Deployment[]; statuses: string[] }> {
  const cluster = await owner.createCluster(size);
  const made = await submitTogether(cluster, inputs);
  return { cluster, made, statuses: await settled(cluster, made, running) };
}

test('25. when only one fits, priority 1 goes before 2', async () => {
  const whole = { ram_required: 32, cpu_required: 8 };
  const { cluster, made, statuses } = await runsAfter(
    {},
    [
      { ...whole, priority: 2 },
      { ...whole, priority: 1 },
    ],
    1,
  );
  expect(statuses).toEqual(['queued', 'running']);
  await owner.stop(made[1]!.id);
  await owner.became(made[0]!.id, 'running');
  expect((await owner.cluster(cluster.id)).deployments).toEqual({ queued: 0, active: 1 });
});

test('26. of equal priority the older goes first', async () => {
  const whole = { ram_required: 32, priority: 5 };
  const { made } = await runsAfter({}, [whole, whole, whole], 1);
  for (const [index, { id }] of made.entries()) {
    await owner.became(id, 'running');
    const rest = made.slice(index + 1).map((one) => one.id);
    expect(await owner.statuses(rest)).toEqual(rest.map(() => 'queued'));
    await owner.stop(id);
    await owner.became(id, 'succeeded');
  }
});

test('27. all three dimensions must fit on one node', async () => {
  const cluster = await owner.createCluster({
    nodes: [
      { name: 'a', ram: 16, cpu: 8 },
      { name: 'b', ram: 16, cpu: 8, gpus: [{}] },
    ],
  });
  const [a, b] = await owner.nodes(cluster.id);
  expect([a!.name, b!.name]).toEqual(['a', 'b']);
  // Only b has a GPU: it keeps 4 GB and 7 cores.
  const onB = await owner.submit(cluster.id, { ram_required: 12, cpu_required: 1, gpu_required: 1 });
  await owner.became(onB.id, 'running');
  // With b cordoned this goes to a, which keeps 15 GB and 1 core.
  await owner.call('PATCH', `/clusters/${cluster.id}/nodes/${b!.id}`, { schedulable: false });
  const onA = await owner.submit(cluster.id, { ram_required: 1, cpu_required: 7 });
  expect((await owner.became(onA.id, 'running')).replica_states[0]!.node).toBe('a');
  await owner.call('PATCH', `/clusters/${cluster.id}/nodes/${b!.id}`, { schedulable: true });

  const { available } = (await owner.cluster(cluster.id)).resources;
  expect(available).toEqual({ ram: 19, cpu: 8, gpu: 0 });
  const made = await owner.submit(cluster.id, { ram_required: 8, cpu_required: 4 });
  expect((await owner.schedule(cluster.id)).admitted).toBe(0);
  const { status, waiting } = await owner.deployment(made.id);
  expect(status).toBe('queued');
  expect(waiting?.reason).toBe('fragmented');
  await owner.stop(onA.id);
  expect((await owner.became(made.id, 'running')).replica_states[0]!.node).toBe('a');
});

test('28. an exact fit is admitted; availability is then 0', async () => {
  const size = { ram: 8.5, cpu: 2.125, gpu: 2 };
  const inputs = [{ ram_required: 8.5, cpu_required: 2.125, gpu_required: 2 }];
  const { cluster } = await runsAfter(size, inputs, 1);
  const { resources } = await owner.cluster(cluster.id);
  expect(resources).toEqual({ total: size, allocated: size, available: { ram: 0, cpu: 0, gpu: 0 } });
});

test('29. a smaller, lower-priority deployment is admitted when the higher one does not fit', async () => {
  const cluster = await owner.createCluster({ ram: 8, cpu: 8 });
  const blocker = await owner.submit(cluster.id, { ram_required: 4 });
  await owner.became(blocker.id, 'running');
  const made = await submitTogether(cluster, [
    { ram_required: 8, priority: 1 },
    { ram_required: 4, priority: 90 },
  ]);
  expect(await settled(cluster, made, 1)).toEqual(['queued', 'running']);
  await service.eventsTold();
  const admitted = (await owner.eventsOf(made[1]!.id)).find((event) => event.type === 'deployment.admitted');
  expect(admitted?.data).toMatchObject({ backfilled: true, priority: 90 });
});

test('30. of several of one level that together exceed the capacity, what exceeds stays queued', async () => {
  const inputs = Array.from({ length: 5 }, () => ({ ram_required: 3, priority: 10 }));
  const { cluster, statuses } = await runsAfter({ ram: 8 }, inputs, 2);
  expect(statuses).toEqual(['running', 'running', 'queued', 'queued', 'queued']);
  expect((await owner.cluster(cluster.id)).resources.available.ram).toBe(2);
});

test('31. clusters do not affect each other', async () => {
  const full = await runsAfter({ ram: 8 }, [{ ram_required: 8 }, { ram_required: 8, priority: 1 }], 1);
  const before = await owner.cluster(full.cluster.id);
  const other = await runsAfter({ ram: 8 }, [{ ram_required: 4, priority: 100 }], 1);
  expect(other.statuses).toEqual(['running']);
  await owner.stop(other.made[0]!.id);
  await owner.became(other.made[0]!.id, 'succeeded');
  await owner.schedule(other.cluster.id);
  expect(await owner.cluster(full.cluster.id)).toEqual(before);
  expect(await owner.statuses(full.made.map(({ id }) => id))).toEqual(full.statuses);
});

test('32. inside a level the larger admissible set wins: 6+6+6 beats 16 on a cluster of 18', async () => {
  const inputs = [16, 6, 6, 6].map((ram) => ({ ram_required: ram }));
  const { cluster, made, statuses } = await runsAfter({ ram: 18 }, inputs, 3);
  expect(statuses).toEqual(['queued', 'running', 'running', 'running']);
  expect((await owner.cluster(cluster.id)).resources.available.ram).toBe(0);
  expect((await owner.deployment(made[0]!.id)).waiting?.reason).toMatch(
    /^(level_chose_larger_set|insufficient_resources)$/,
  );
});

test('33. cluster 32 GB / 8 / 2 with 16/1/0 at priority 3 and 16/2/0 at 2: one trigger, both run, available 0/5/2', async () => {
  const cluster = await owner.createCluster({ ram: 32, cpu: 8, gpu: 2 });
  const made = await submitTogether(cluster, [
    { ram_required: 16, cpu_required: 1, gpu_required: 0, priority: 3 },
    { ram_required: 16, cpu_required: 2, gpu_required: 0, priority: 2 },
  ]);
  await owner.schedule(cluster.id);
  // Admitted by now, by this trigger or by the one that came of itself just before; never by two.
  const { resources, deployments } = await owner.cluster(cluster.id);
  expect(resources.available).toEqual({ ram: 0, cpu: 5, gpu: 2 });
  expect(deployments).toEqual({ queued: 0, active: 2 });
  expect((await passesOf(cluster.id)).map((pass) => pass.admitted)).toEqual([2]);
  for (const { id } of made) await owner.became(id, 'running');
  expect((await owner.cluster(cluster.id)).resources.available).toEqual({ ram: 0, cpu: 5, gpu: 2 });
});

test('34. a trigger by API, by CLI and automatically give the same decisions', async () => {
  const byApi = await decisionsBy('api', (clusterId) => owner.schedule(clusterId));
  const byCli = await decisionsBy('api', (clusterId) => cli(['schedule', clusterId, '--json']));
  const automatic = await decisionsBy('automatic', () => Promise.resolve());
  expect(byApi.some((one) => one.status === 'running')).toBe(true);
  expect(byApi.some((one) => one.status === 'queued')).toBe(true);
  expect(byCli).toEqual(byApi);
  expect(automatic).toEqual(byApi);
});

test('35. a second trigger with nothing changed changes nothing', async () => {
  const inputs = [{ ram_required: 6 }, { ram_required: 6, priority: 60 }, { ram_required: 8, priority: 70 }];
  const { cluster, made } = await runsAfter({ ram: 8 }, inputs, 1);
  const look = async () => ({
    cluster: await owner.cluster(cluster.id),
    deployments: await Promise.all(made.map(({ id }) => owner.deployment(id))),
    events: await owner.all<Event>(`/events?cluster_id=${cluster.id}`),
    passes: await passesOf(cluster.id),
  });
  const first = await owner.schedule(cluster.id);
  await service.eventsTold();
  const before = await look();
  const second = await owner.schedule(cluster.id);
  expect(second).toMatchObject({ pass_id: null, dry_run: false, queued: 2, admitted: 0, promoted: 0, waiting: 2 });
  expect(second.decisions).toEqual(first.decisions);
  await service.eventsTold();
  expect(await look()).toEqual(before);
});

test('36. 50 triggers at once never over-allocate and start nothing twice', async () => {
  const cluster = await owner.createCluster({ ram: 12, cpu: 8 });
  const inputs = Array.from({ length: 40 }, (_, i) => ({ ram_required: 1 + (i % 3), priority: 1 + (i % 5) }));
  const made = await submitTogether(cluster, inputs);
  const passes = await Promise.all(Array.from({ length: 50 }, () => owner.schedule(cluster.id)));
  const { resources, deployments } = await owner.cluster(cluster.id);
  expect(resources.allocated.ram).toBeLessThanOrEqual(12);
  expect(resources.allocated.cpu).toBeLessThanOrEqual(8);
  // Full in one dimension: nothing that fits was left out.
  expect(Math.min(resources.available.ram, resources.available.cpu)).toBe(0);

  const placed = passes.flatMap((pass) => placedIn(pass));
  expect(new Set(placed).size).toBe(placed.length);
  const statuses = await owner.statuses(made.map(({ id }) => id));
  expect(statuses.filter((status) => status !== 'queued')).toHaveLength(deployments.active);
  await service.eventsTold();
  for (const { id } of made) {
    const told = (await owner.eventsOf(id)).filter((event) => event.type === 'deployment.admitted').length;
    expect(told, id).toBeLessThanOrEqual(1);
  }
  const held = await service.sql('select deployment_id from allocation where cluster_id = $1', [cluster.id]);
  expect(held).toHaveLength(deployments.active);
});

test('37. a queued deployment says why: the typed reason, the shortfall in each dimension, its position', async () => {
  const cluster = await owner.createCluster({ ram: 32, cpu: 8, gpu: 2 });
  const blocker = await owner.submit(cluster.id, { ram_required: 30, cpu_required: 5, gpu_required: 2 });
  await owner.became(blocker.id, 'running');
  const first = await owner.submit(cluster.id, { ram_required: 16.5, cpu_required: 4, gpu_required: 1, priority: 3 });
  const second = await owner.submit(cluster.id, { ram_required: 8, cpu_required: 1, priority: 4, replicas: 2 });
  await owner.schedule(cluster.id);

  const expected: [Deployment, Record<string, unknown>, Amounts][] = [
    [first, { position: 1, effective_priority: 3 }, { ram: 14.5, cpu: 1, gpu: 1 }],
    [second, { position: 2, effective_priority: 4 }, { ram: 6, cpu: 0, gpu: 0 }],
  ];
  const [node] = await owner.nodes(cluster.id);
  for (const [deployment, standing, shortfall] of expected) {
    const { waiting } = await owner.deployment(deployment.id);
    expect(waiting).toMatchObject({ ...standing, reason: 'insufficient_resources', promoted: false, shortfall });
    expect(waiting?.nearest_node).toBe(node!.name);
    expect(waiting?.message).toMatch(/\w+ \w+/);
  }
  const queue = await owner.all<QueueEntry>(`/clusters/${cluster.id}/queue`);
  expect(queue.map((entry) => [entry.position, entry.deployment_id])).toEqual([
    [1, first.id],
    [2, second.id],
  ]);
  expect(queue[0]).toMatchObject({ reason: 'insufficient_resources', shortfall: { ram: 14.5, cpu: 1, gpu: 1 } });
  const pass = await owner.call<PassResult>('POST', `/clusters/${cluster.id}/schedule?dryRun=true`);
  expect(pass.decisions).toMatchObject([
    { decision: 'wait', deployment_id: first.id, reason: 'insufficient_resources' },
    { decision: 'wait', deployment_id: second.id },
  ]);

  // Cordoned, it is for another reason; running, there is none.
  await owner.setSchedulable(cluster.id, false);
  await until('the reason is the cordon', async () => {
    const { waiting } = await owner.deployment(first.id);
    return waiting?.reason === 'no_schedulable_node';
  });
  expect((await owner.deployment(blocker.id)).waiting).toBeNull();
});

function placedIn(pass: PassResult): string[] {
  return pass.decisions.flatMap((one) => (one.decision === 'place' ? [one.deployment_id] : []));
}

interface Outcome {
  name: string;
  status: string;
  node: string | null;
  gpus: number[] | null;
  reason: string | null;
  position: number | null;
}

/**
 * The same queue on a new cluster of the same form, decided on by `trigger`. The nodes are opened behind the scheduler's back,
 * so that it is the trigger that decides; where the regular pass was faster, on another cluster.
 */
async function decisionsBy(wanted: Pass['trigger'], trigger: (id: string) => Promise<unknown>): Promise<Outcome[]> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const cluster = await owner.createCluster({
      nodes: [
        { name: 'a', ram: 16, cpu: 8, gpus: [{}, {}] },
        { name: 'b', ram: 32, cpu: 4 },
      ],
    });
    await owner.setSchedulable(cluster.id, false);
    const made = await owner.submitAll(
      cluster.id,
      [
        { ram_required: 12, priority: 3 },
        { ram_required: 6, priority: 3, gpu_required: 0.5 },
        { ram_required: 6, priority: 2, gpu_required: 2 },
        { ram_required: 20, priority: 1 },
        { ram_required: 20, priority: 9 },
        { ram_required: 2, priority: 9, replicas: 3 },
        { ram_required: 2, priority: 9, cpu_required: 3 },
      ].map((input, index) => ({ ...input, name: `d${index}` })),
    );
    if (wanted === 'api') await holdRegularPasses(service, cluster.id, () => owner.schedule(cluster.id));
    await service.sql('update node set schedulable = true where cluster_id = $1', [cluster.id]);
    await trigger(cluster.id);
    await until('something is admitted', async () => (await owner.cluster(cluster.id)).deployments.active > 0);
    const passes = await passesOf(cluster.id);
    if (passes.length !== 1 || passes[0]!.trigger !== wanted) continue;
    return Promise.all(
      made.map(async ({ id }) => {
        const { name, status, replica_states, waiting } = await owner.deployment(id);
        return {
          name,
          status: status === 'starting' ? 'running' : status,
          node: replica_states[0]?.node ?? null,
          gpus: replica_states[0]?.gpu_devices ?? null,
          reason: waiting?.reason ?? null,
          position: waiting?.position ?? null,
        };
      }),
    );
  }
  throw new Error(`the pass was never one by ${wanted}`);
}

const program = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));

async function cli(args: readonly string[]): Promise<unknown> {
  const env = { ...process.env, HYPERVISOR_URL: owner.url, HYPERVISOR_TOKEN: owner.token ?? '' };
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], { env });
  return JSON.parse(stdout) as unknown;
}
