import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/platform/redis.ts';
import { type EnginePort, requireEngine } from '../support/engine-port.ts';
import { spawnTestService, startTestService, type TestService } from '../support/service.ts';
import { proxyTo } from '../support/socket-proxy.ts';
import {
  type Client,
  type Cluster,
  type ClusterInput,
  type Deployment,
  type DeploymentInput,
  newOwner,
  until,
} from './client.ts';

let service: TestService;
let owner: Client;
let engine: EnginePort;
beforeAll(async () => {
  engine = requireEngine();
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const none = { ram: 0, cpu: 0, gpu: 0 };
/** A cluster in which one of `small` fits at a time. */
const size = { ram: 0.064, cpu: 0.2, gpu: 0 };

function dockerCluster(client: Client, input: Partial<ClusterInput> = {}): Promise<Cluster> {
  return client.createCluster({ runtime: 'docker', ...(input.nodes === undefined ? size : {}), ...input });
}

/** A job of this shell script, which needs little. */
function script(text: string, input: DeploymentInput = {}): DeploymentInput {
  return {
    kind: 'job',
    docker_image: engine.image,
    command: ['sh', '-c', text],
    ram_required: 0.064,
    cpu_required: 0.2,
    pull_policy: 'never',
    stop_grace_s: 0,
    ...input,
  };
}

const forever = 'while :; do sleep 1; done';

async function allocatedIn(client: Client, cluster: Cluster) {
  return (await client.cluster(cluster.id)).resources.allocated;
}

test('42. success, failure, stop, cancel and delete free resources exactly once, and the next in the queue starts by itself', async () => {
  const ends: [string, string, (id: string) => Promise<unknown>, string | null][] = [
    ['success', 'exit 0', () => Promise.resolve(), 'succeeded'],
    ['failure', 'exit 3', () => Promise.resolve(), 'failed'],
    ['stop', forever, (id) => owner.stop(id), 'cancelled'],
    ['cancel', forever, (id) => owner.cancel(id), 'cancelled'],
    ['delete', forever, (id) => owner.call('DELETE', `/deployments/${id}`), null],
  ];
  const cluster = await dockerCluster(owner);
  for (const [name, command, end, expected] of ends) {
    const first = await owner.submit(cluster.id, script(command, { name }));
    const next = await owner.submit(cluster.id, script(forever, { name: `after-${name}` }));
    if (command === forever) await owner.became(first.id, 'running');
    expect(['queued', 'starting', 'running']).toContain((await owner.deployment(next.id)).status);
    await end(first.id);
    await owner.became(next.id, 'running');
    const answer = await owner.ask<Deployment>('GET', `/deployments/${first.id}`);
    if (expected === null) expect(answer.status, name).toBe(404);
    else expect(answer.body.status, name).toBe(expected);
    // Freed once: what is held is what the next one holds, and no more.
    expect(await allocatedIn(owner, cluster), name).toEqual(size);
    const held = await service.sql('select deployment_id as id from allocation where cluster_id = $1', [cluster.id]);
    expect(held, name).toEqual([{ id: next.id }]);
    // Again changes nothing.
    if (expected !== null) await owner.refused(409, 'POST', `/deployments/${first.id}/stop`);
    await owner.stop(next.id);
    await owner.became(next.id, 'cancelled');
    expect(await allocatedIn(owner, cluster), name).toEqual(none);
  }
  await until('no container is left', async () => {
    const rows = await service.sql<{ id: string }>('select id from deployment where cluster_id = $1', [cluster.id]);
    return (await engine.containersOf(rows.map((row) => row.id))).length === 0;
  });
});

test("43. image missing or start failure: `failed` with the engine's reason in plain words, nothing held", async () => {
  const cluster = await dockerCluster(owner);
  const image = 'hypervisor/there-is-no-such-image:1';
  const missing = await owner.submit(cluster.id, script('true', { docker_image: image }));
  const noImage = await owner.became(missing.id, 'failed');
  expect(noImage.reason_code).toBe('image_not_found');
  expect(noImage.reason).toContain(image);

  const unstartable = await owner.submit(cluster.id, script('', { command: ['/no/such/program'] }));
  const notStarted = await owner.became(unstartable.id, 'failed');
  expect(notStarted.reason_code).toBe('start_failed');
  expect(notStarted.reason).toContain('/no/such/program');

  await service.eventsTold();
  for (const deployment of [noImage, notStarted]) {
    expect(deployment.reason).not.toMatch(/\n\s+at |Error:|\{"/);
    expect(deployment).toMatchObject({ exit_code: null });
    expect(deployment.finished_at).not.toBeNull();
    const events = await owner.eventsOf(deployment.id);
    expect(events.filter((event) => event.type === 'deployment.failed')).toHaveLength(1);
  }
  expect(await allocatedIn(owner, cluster)).toEqual(none);
  expect(await engine.containersOf([missing.id, unstartable.id])).toEqual([]);
  // The cluster takes the next one as if nothing had been.
  await owner.became((await owner.submit(cluster.id, script('exit 0'))).id, 'succeeded');
});

test('44. exit 0 is `succeeded`; non-zero `failed` with the code; out of memory says so', async () => {
  const cluster = await dockerCluster(owner, { ram: 0.3, cpu: 1 });
  const good = await owner.submit(cluster.id, script('exit 0'));
  const bad = await owner.submit(cluster.id, script('exit 3'));
  // Doubles a string until the kernel ends it. Not at once: an engine misses what ran out of memory before it listened.
  const hungry = await owner.submit(
    cluster.id,
    script(`sleep 5; exec awk 'BEGIN { x = "0123456789abcdef"; while (1) x = x x }'`, { ram_required: 0.032 }),
  );
  expect(await owner.became(good.id, 'succeeded')).toMatchObject({ exit_code: 0, reason_code: 'exit_zero' });
  const failed = await owner.became(bad.id, 'failed');
  expect(failed).toMatchObject({ exit_code: 3, reason_code: 'exit_nonzero' });
  expect(failed.reason).toContain('3');
  const killed = await owner.became(hungry.id, 'failed');
  expect(killed.reason_code).toBe('out_of_memory');
  expect(killed.reason).toContain('memory');
  expect(await allocatedIn(owner, cluster)).toEqual(none);

  // Of several replicas one fails: so does the deployment, and the others are stopped.
  const gang = await owner.submit(
    cluster.id,
    script(`[ "$HYPERVISOR_REPLICA" = 1 ] && exit 7; ${forever}`, { replicas: 2, ram_required: 0.032 }),
  );
  expect(await owner.became(gang.id, 'failed')).toMatchObject({ exit_code: 7 });
  expect(await allocatedIn(owner, cluster)).toEqual(none);
});

test('45. illegal transitions are 409 and change nothing', async () => {
  const cluster = await owner.createCluster({ ram: 2 });
  const done = await owner.submit(cluster.id, { kind: 'job', env: { SIM_RUN_MS: '1' } });
  const failed = await owner.submit(cluster.id, { kind: 'job', env: { SIM_RUN_MS: '1', SIM_EXIT_CODE: '2' } });
  await owner.became(done.id, 'succeeded');
  await owner.became(failed.id, 'failed');
  const running = await owner.submit(cluster.id);
  await owner.became(running.id, 'running');
  const queued = await owner.submit(cluster.id, { ram_required: 2 });
  const cancelled = await owner.submit(cluster.id, { ram_required: 2 });
  await owner.cancel(cancelled.id);

  const illegal: [Deployment, string, string, unknown?][] = [
    [done, 'POST', '/cancel'],
    [done, 'POST', '/stop'],
    [done, 'PATCH', '', { priority: 1 }],
    [failed, 'POST', '/cancel'],
    [failed, 'POST', '/stop'],
    [cancelled, 'POST', '/cancel'],
    [cancelled, 'POST', '/stop'],
    [running, 'POST', '/retry'],
    [running, 'PATCH', '', { priority: 1 }],
    [queued, 'POST', '/stop'],
    [queued, 'POST', '/retry'],
  ];
  const all = [done, failed, running, queued, cancelled];
  const look = async () => ({
    deployments: await Promise.all(all.map(async ({ id }) => ({ ...(await owner.deployment(id)), waiting: null }))),
    events: await owner.all(`/events?cluster_id=${cluster.id}`),
    cluster: await owner.cluster(cluster.id),
  });
  await service.eventsTold();
  const before = await look();
  for (const [deployment, method, verb, body] of illegal) {
    const path = `/deployments/${deployment.id}${verb}`;
    const problem = await owner.refused(409, method as 'POST', path, body);
    expect(problem.code, `${method} ${verb}`).toBe('illegal_transition');
  }
  await service.eventsTold();
  expect(await look()).toEqual(before);

  // Of ten who cancel at once, one does; the others learn that it is so already, or nothing at all changes twice.
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => owner.ask('POST', `/deployments/${queued.id}/cancel`)),
  );
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 409)).toHaveLength(9);
});

test('46. cancelling a queued one leaves availability unchanged', async () => {
  const cluster = await owner.createCluster({ ram: 8 });
  const running = await owner.submit(cluster.id, { ram_required: 6 });
  await owner.became(running.id, 'running');
  const queued = await owner.submit(cluster.id, { ram_required: 4 });
  const before = (await owner.cluster(cluster.id)).resources;
  expect(await owner.cancel(queued.id)).toMatchObject({ status: 'cancelled', reason_code: 'cancelled' });
  await owner.schedule(cluster.id);
  const after = await owner.cluster(cluster.id);
  expect(after.resources).toEqual(before);
  expect(after.deployments).toEqual({ queued: 0, active: 1 });
});

test('47. the container has exactly the memory and CPU limits and GPU devices that were allocated', async () => {
  const gpus = [{ model: 'x' }, { model: 'x' }, { model: 'y' }];
  const cluster = await dockerCluster(owner, { nodes: [{ name: 'n', ram: 1, cpu: 2, gpus }] });
  const made = await owner.submit(
    cluster.id,
    script(`env; ${forever}`, { ram_required: 0.125, cpu_required: 0.35, gpu_required: 2, env: { MINE: 'yes' } }),
  );
  const { replica_states } = await owner.became(made.id, 'running');
  const [replica] = replica_states;
  expect(replica!.gpu_devices).toHaveLength(2);
  const inspected = await engine.docker.getContainer(replica!.container_id!).inspect();
  const { Memory, MemorySwap, NanoCpus, CpuQuota, CpuPeriod } = inspected.HostConfig;
  expect(Memory).toBe(0.125 * 1024 ** 3);
  // No swap beyond the memory.
  expect(MemorySwap).toBe(Memory);
  const cores = NanoCpus === undefined || NanoCpus === 0 ? (CpuQuota ?? 0) / (CpuPeriod ?? 1) : NanoCpus / 1e9;
  expect(cores).toBeCloseTo(0.35, 6);
  // Devices without a driver are named in the environment only.
  const environment = inspected.Config.Env ?? [];
  expect(environment).toContain('MINE=yes');
  const visible = environment.filter((one) => one.endsWith(`=${replica!.gpu_devices.join(',')}`));
  expect(visible.join(' '), environment.join(' ')).toMatch(/GPU|VISIBLE_DEVICES/);

  // What the cluster says is held is what the container has.
  expect(await allocatedIn(owner, cluster)).toEqual({ ram: 0.125, cpu: 0.35, gpu: 2 });
  const [node] = await owner.nodes(cluster.id);
  const held = node!.gpus.flatMap((gpu, index) => (gpu.allocated === 1 ? [index] : []));
  expect(held).toEqual(replica!.gpu_devices);
  const other = await owner.submit(cluster.id, script(forever, { gpu_required: 1 }));
  const [second] = (await owner.became(other.id, 'running')).replica_states;
  expect(replica!.gpu_devices).not.toContain(second!.gpu_devices[0]);
  await Promise.all([made, other].map(({ id }) => owner.stop(id)));
});

test('48. a killed and restarted service finds its containers again: none doubled, none lost, capacity right', async () => {
  const spawned = await spawnTestService();
  try {
    const client = await newOwner(spawned.url);
    const cluster = await dockerCluster(client, { ram: 0.192, cpu: 0.6 });
    const made = await client.submitAll(cluster.id, [
      script(forever, { name: 'stays', kind: 'service' }),
      script(`trap 'exit 5' USR1; ${forever}`, { name: 'ends-meanwhile' }),
      script(`trap 'exit 0' USR1; ${forever}`, { name: 'ends-well-meanwhile' }),
      script('exit 0', { name: 'waits' }),
    ]);
    const ids = made.map(({ id }) => id);
    for (const id of ids.slice(0, 3)) await client.became(id, 'running');
    const before = await engine.containersOf(ids);
    expect(before).toHaveLength(3);
    await spawned.kill();
    // Again and again: a program ignores it that has not set its trap yet.
    await until('two have ended unseen', async () => {
      const left = (await engine.containersOf(ids.slice(1, 3))).filter(({ state }) => state === 'running');
      const asked = left.map(({ id }) => engine.docker.getContainer(id).kill({ signal: 'SIGUSR1' }));
      await Promise.allSettled(asked);
      return left.length === 0;
    });
    expect((await engine.containersOf(ids)).map(({ state }) => state).toSorted()).toEqual([
      'exited',
      'exited',
      'running',
    ]);
    const record = await engine.record();
    await spawned.restart();
    await client.became(ids[1]!, 'failed');
    await client.became(ids[2]!, 'succeeded');
    await client.became(ids[3]!, 'succeeded');
    expect((await client.deployment(ids[1]!)).exit_code).toBe(5);

    const stays = await client.deployment(ids[0]!);
    expect(stays).toMatchObject({ status: 'running', attempt: 1 });
    expect(before.map((one) => one.id)).toContain(stays.replica_states[0]!.container_id);
    expect(await allocatedIn(client, cluster)).toEqual({ ram: 0.064, cpu: 0.2, gpu: 0 });
    await until('what ended is cleaned up', async () => (await engine.containersOf(ids)).length === 1);
    // Events come in order, and a moment later than what they tell.
    await until('the record is complete', async () =>
      record.events.some(({ action, deploymentId }) => action === 'destroy' && deploymentId === ids[3]),
    );
    record.stop();
    const created = record.events.filter((event) => event.action === 'create' && ids.includes(event.deploymentId));
    expect(created.map((event) => event.deploymentId)).toEqual([ids[3]]);
    // Its log from before the kill can still be read, and it still obeys.
    await client.stop(ids[0]!);
    await client.became(ids[0]!, 'succeeded');
    expect(await allocatedIn(client, cluster)).toEqual(none);
  } finally {
    await spawned.stop();
  }
});

test('49. engine away: starts are retried, the cluster says that it is unreachable, nothing is lost; back: it goes on', async () => {
  const proxy = await proxyTo(engine.host.replace('unix://', ''));
  const behind = await startTestService({ config: { dockerHost: `unix://${proxy.path}` } });
  try {
    const client = await newOwner(behind.url);
    const cluster = await dockerCluster(client, { ram: 0.128, cpu: 0.4 });
    const running = await client.submit(cluster.id, script(forever, { kind: 'service' }));
    const { replica_states } = await client.became(running.id, 'running');
    await proxy.cut();
    const submitted = await client.submit(cluster.id, script('exit 0'));
    const away = await until('the cluster says that it is unreachable', async () => {
      const read = await client.cluster(cluster.id);
      return read.status === 'unreachable' && read;
    });
    expect(away.status_message).toMatch(/\w+ \w+/);
    expect((await client.deployment(running.id)).status).toBe('running');
    expect(['queued', 'starting']).toContain((await client.deployment(submitted.id)).status);
    await proxy.mend();
    await client.became(submitted.id, 'succeeded');
    await until('the cluster is ready', async () => (await client.cluster(cluster.id)).status === 'ready');
    const after = await client.deployment(running.id);
    expect(after).toMatchObject({ status: 'running', attempt: 1 });
    expect(after.replica_states[0]!.container_id).toBe(replica_states[0]!.container_id);
    await behind.eventsTold();
    const types = (await client.all<{ type: string }>(`/events?cluster_id=${cluster.id}`)).map((event) => event.type);
    expect(types).toContain('cluster.unreachable');
    expect(types.lastIndexOf('cluster.reachable')).toBeGreaterThan(types.lastIndexOf('cluster.unreachable'));
  } finally {
    await proxy.mend();
    await behind.stop();
    await proxy.close();
  }
});

test('50. queue backend away: submissions are still accepted and run once it is back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hv-redis-'));
  let redis: RunningRedis = await startRedis({ dir });
  const own = await startTestService({ config: { redisUrl: redis.url } });
  try {
    const client = await newOwner(own.url);
    const cluster = await client.createCluster();
    const job = { kind: 'job', env: { SIM_RUN_MS: '10' } } as const;
    await client.became((await client.submit(cluster.id, job)).id, 'succeeded');
    await redis.stop();
    const made = await client.submitAll(cluster.id, [job, job, job]);
    made.push(await client.submit(cluster.id, job));
    expect(made.map((one) => one.status)).toEqual(made.map(() => 'queued'));
    // The scheduler needs no queue: they are admitted, and wait for their start.
    await until('all are admitted', async () => (await client.cluster(cluster.id)).deployments.queued === 0);
    redis = await startRedis({ dir });
    for (const { id } of made) await client.became(id, 'succeeded');
    expect(await allocatedIn(client, cluster)).toEqual(none);
  } finally {
    await own.stop();
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
});

test('51. only our own containers are ever touched, told by label, whatever shares the engine', async () => {
  const other = await startTestService();
  const foreign: string[] = [];
  try {
    const neighbour = await newOwner(other.url);
    const theirs = await dockerCluster(neighbour);
    const kept = await neighbour.submit(theirs.id, script(forever, { kind: 'service' }));
    const [replica] = (await neighbour.became(kept.id, 'running')).replica_states;
    const { Labels } = (await engine.docker.getContainer(replica!.container_id!).inspect()).Config;
    expect(Object.keys(Labels).some((label) => label.startsWith('hypervisor.'))).toBe(true);

    // Somebody else's container, one with no label at all, and one that borrows our names but not our installation.
    const borrowed = { ...Labels, 'hypervisor.installation': '00000000-0000-4000-8000-000000000000' };
    const foreignLabels: Record<string, string>[] = [{}, { 'com.example': 'x' }, borrowed];
    for (const labels of foreignLabels) {
      const container = await engine.docker.createContainer({
        Image: engine.image,
        Cmd: ['sleep', '600'],
        Labels: labels,
        HostConfig: { AutoRemove: false },
      });
      foreign.push(container.id);
      await container.start();
    }
    // And one that has the very name that the container of a deployment of ours would get, and no label.
    const cluster = await dockerCluster(owner);
    await owner.setSchedulable(cluster.id, false);
    const unlucky = await owner.submit(cluster.id, script('exit 0'));
    const name = (await ownContainerName()).replaceAll('{id}', unlucky.id);
    const squatter = await engine.docker.createContainer({ name, Image: engine.image, Cmd: ['sleep', '600'] });
    foreign.push(squatter.id);
    await squatter.start();
    const stopped = await engine.docker.createContainer({ Image: engine.image, Cmd: ['true'] });
    foreign.push(stopped.id);
    const startedAt = async () =>
      Promise.all(
        [...foreign, replica!.container_id!].map(async (id) => {
          const { State } = await engine.docker.getContainer(id).inspect();
          return [id, State.Status, State.StartedAt];
        }),
      );
    const before = await startedAt();

    // Its deployment fails, in words; nobody's container is taken over or taken away for it.
    await owner.setSchedulable(cluster.id, true);
    expect((await owner.became(unlucky.id, 'failed')).reason).toMatch(/\w+ \w+/);
    // A whole life, a forced deletion and a fresh start (with its reconciliation) of another installation.
    await owner.became((await owner.submit(cluster.id, script('exit 0'))).id, 'succeeded');
    const active = await owner.submit(cluster.id, script(forever));
    await owner.became(active.id, 'running');
    await owner.call('DELETE', `/clusters/${cluster.id}?force=true`);
    await until('it is gone', async () => (await owner.ask('GET', `/clusters/${cluster.id}`)).status === 404);
    const third = await startTestService();
    const someone = await newOwner(third.url);
    const fresh = await dockerCluster(someone);
    await someone.became((await someone.submit(fresh.id, script('exit 0'))).id, 'succeeded');
    await third.stop();

    expect(await startedAt()).toEqual(before);
    expect((await neighbour.deployment(kept.id)).status).toBe('running');
  } finally {
    for (const id of foreign) await engine.docker.getContainer(id).remove({ force: true });
    await other.stop();
  }
});

/** How the containers of this installation are called, with `{id}` for the deployment. */
async function ownContainerName(): Promise<string> {
  const cluster = await dockerCluster(owner);
  const made = await owner.submit(cluster.id, script(forever));
  await owner.became(made.id, 'running');
  const [container] = await engine.containersOf([made.id]);
  await owner.stop(made.id);
  return container!.name.replaceAll(made.id, '{id}');
}

const write = (from: number, to: number) =>
  `i=${from}; while [ $i -lt ${to} ]; do echo "line $i"; echo "error $i" >&2; i=$((i+1)); sleep 0.1; done`;

test('52. logs are readable while it runs and after it ended, and follow live', async () => {
  const cluster = await dockerCluster(owner, { ram: 0.256, cpu: 0.8 });
  // In its first attempt it goes on when it is told to.
  const wait = '[ "$HYPERVISOR_ATTEMPT" -gt 1 ] || until [ -e /tmp/go ]; do sleep 0.1; done';
  const made = await owner.submit(cluster.id, script([write(0, 2), wait, write(2, 8), 'exit 0'].join('\n')));
  const { replica_states } = await owner.became(made.id, 'running');
  const path = `/deployments/${made.id}/logs`;
  const logs = (query: string) => owner.call<string>('GET', `${path}${query}`);

  const following = await owner.fetch(`/api/v1${path}?follow=true`);
  expect(following.status).toBe(200);
  let followed = '';
  const read = (async () => {
    for await (const chunk of following.body!.pipeThrough(new TextDecoderStream())) followed += chunk;
  })();
  const first = ['line 0', 'error 0', 'line 1', 'error 1'].toSorted();
  await until('its first lines can be read while it runs', async () => sorted(await logs('')).join() === first.join());
  await until('its first lines were followed while it runs', async () => sorted(followed).join() === first.join());
  const go = await engine.docker.getContainer(replica_states[0]!.container_id!).exec({ Cmd: ['touch', '/tmp/go'] });
  await go.start({ Detach: true });
  await owner.became(made.id, 'succeeded');
  await read;
  const lines = Array.from({ length: 8 }, (_, i) => [`line ${i}`, `error ${i}`]).flat();
  expect(sorted(followed)).toEqual(lines.toSorted());

  await until('its container is gone', async () => (await engine.containersOf([made.id])).length === 0);
  expect(sorted(await logs(''))).toEqual(lines.toSorted());
  expect(sorted(await logs('?tail=2'))).toHaveLength(2);
  const records = (await logs('?format=ndjson'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { stream: string; at: string; text: string });
  expect(records.map((one) => one.text).toSorted()).toEqual(lines.toSorted());
  expect(records.filter((one) => one.stream === 'stderr').map((one) => one.text)).toEqual(
    Array.from({ length: 8 }, (_, i) => `error ${i}`),
  );
  const since = records.find((one) => one.text === 'line 4')!.at;
  const later = records.filter((one) => one.at >= since).map((one) => one.text);
  expect(sorted(await logs(`?since=${encodeURIComponent(since)}`))).toEqual(later.toSorted());
  expect(later).not.toContain('line 1');
  // Each attempt has a log of its own.
  await owner.call('POST', `/deployments/${made.id}/retry`);
  await owner.became(made.id, 'succeeded');
  expect(sorted(await logs('?attempt=1'))).toEqual(lines.toSorted());
  expect((await logs('')).split('\n')).toContain('line 7');
});

function sorted(text: string): string[] {
  return text.trimEnd().split('\n').toSorted();
}
