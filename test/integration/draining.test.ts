/** Nodes are emptied: drained by a person, or by maintenance that was planned. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, until } from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let client: Client;

beforeAll(async () => {
  service = await startTestService();
  client = await newOwner(service.url);
});
afterAll(() => service.stop());

const twoNodes = () =>
  client.createCluster({
    nodes: ['a', 'b'].map((name) => ({ name, ram: 8, cpu: 4, labels: { on: name } })),
  });
const job = (ms: number, rest: DeploymentInput = {}): DeploymentInput => ({
  kind: 'job',
  env: { SIM_RUN_MS: String(ms) },
  ...rest,
});
const long = 3_600_000;
const at = (ms: number) => new Date(Date.now() + ms).toISOString();

async function nodeNamed(cluster: Cluster, name: string) {
  return (await client.nodes(cluster.id)).find((node) => node.name === name)!;
}

/** Where its replicas are. */
async function placeOf(id: string): Promise<string[]> {
  return (await client.deployment(id)).replica_states.map(({ node }) => node);
}

async function drain(cluster: Cluster, name: string, body: object = {}) {
  const { id } = await nodeNamed(cluster, name);
  return client.call('POST', `/clusters/${cluster.id}/nodes/${id}/drain`, body);
}

async function uncordon(cluster: Cluster, name: string) {
  const { id } = await nodeNamed(cluster, name);
  return client.call('PATCH', `/clusters/${cluster.id}/nodes/${id}`, { schedulable: true });
}

async function running(id: string, attempt: number) {
  return until(`${id} runs for the ${attempt}. time`, async () => {
    const deployment = await client.deployment(id);
    return deployment.status === 'running' && deployment.attempt === attempt && deployment;
  });
}

test('drained: the service moves and keeps its age, the job may finish, and then nothing is left', async () => {
  const cluster = await twoNodes();
  const works = await client.submit(cluster.id, job(15_000, { node_labels: { on: 'a' } }));
  await client.became(works.id, 'running');
  await client.call('PATCH', `/clusters/${cluster.id}/nodes/${(await nodeNamed(cluster, 'b')).id}`, {
    schedulable: false,
  });
  const serves = await client.submit(cluster.id);
  await client.became(serves.id, 'running');
  expect(await placeOf(serves.id)).toEqual(['a']);
  await uncordon(cluster, 'b');

  expect(await drain(cluster, 'a')).toMatchObject({ status: 'draining', schedulable: false });
  const moved = await running(serves.id, 2);
  expect(await placeOf(serves.id)).toEqual(['b']);
  expect(moved.queued_at).toBe(serves.queued_at);
  expect((await client.deployment(works.id)).attempt).toBe(1);
  expect(await client.became(works.id, 'succeeded')).toMatchObject({ attempt: 1 });
  const drained = await until('it is drained', async () => {
    const node = await nodeNamed(cluster, 'a');
    return node.status === 'drained' && node;
  });
  expect(drained.drain).toMatchObject({ left: [], jobs: 'finish', deadline: null });
  await service.eventsTold();
  const types = (await client.eventsOf(serves.id)).map(({ type, message }) => `${type}: ${message}`);
  expect(types).toContain('deployment.stopping: stopped because a is drained; it keeps its age in the queue');
  const told = await service.sql(`select 1 from event where cluster_id = $1 and type = 'node.drained'`, [cluster.id]);
  expect(told).toHaveLength(1);
  // Undone, it takes what comes again.
  expect(await uncordon(cluster, 'a')).toMatchObject({ status: 'ready', drain: null });
  const next = await client.submit(cluster.id, job(1, { node_labels: { on: 'a' } }));
  await client.became(next.id, 'succeeded');
});

test('jobs that have not finished by the deadline are stopped and queued again; all of a gang moves', async () => {
  const cluster = await twoNodes();
  const gang = await client.submit(cluster.id, job(long, { replicas: 2, max_per_node: 1 }));
  await client.became(gang.id, 'running');
  const added = { name: 'c', ram: 8, cpu: 4 };
  await client.call('POST', `/clusters/${cluster.id}/nodes`, added);
  await drain(cluster, 'a', { deadline_s: 0.5 });
  await running(gang.id, 2);
  expect((await placeOf(gang.id)).toSorted()).toEqual(['b', 'c']);
  await until('it is drained', async () => (await nodeNamed(cluster, 'a')).status === 'drained');
  // Whoever asks for its end while it is on its way has the last word.
  const stays = await client.submit(cluster.id, job(long, { node_labels: { on: 'b' } }));
  await client.became(stays.id, 'running');
  await drain(cluster, 'b', { jobs: 'stop' });
  await client.ask('POST', `/deployments/${stays.id}/cancel`);
  await client.became(stays.id, 'cancelled');
});

test('maintenance: what would still run when it begins waits, and says why; services are moved when it does', async () => {
  const cluster = await client.createCluster({ ram: 8, cpu: 8, gpu: 0 });
  const path = `/clusters/${cluster.id}/maintenance`;
  const planned = await client.call<{ id: string }>('POST', path, {
    starts_at: at(long),
    ends_at: at(2 * long),
    reason: 'new disks',
  });
  expect(await client.get(path)).toMatchObject({ items: [{ id: planned.id, status: 'planned', reason: 'new disks' }] });
  const [short, open, serves] = await client.submitAll(cluster.id, [
    job(10, { time_limit_s: 60 }),
    job(10),
    { kind: 'service' },
  ]);
  await client.became(short!.id, 'succeeded');
  await client.became(serves!.id, 'running');
  const waiting = await until('it says why', async () => (await client.deployment(open!.id)).waiting);
  expect(waiting).toMatchObject({ reason: 'maintenance' });
  // Called off, it starts.
  await client.call('DELETE', `${path}/${planned.id}`);
  await client.became(open!.id, 'succeeded');

  const active = await client.call<{ id: string }>('POST', path, { starts_at: at(-1000), ends_at: at(long) });
  await until('it is moved away', async () => (await client.deployment(serves!.id)).status === 'queued');
  await until('it is drained', async () => (await client.nodes(cluster.id))[0]?.status === 'drained');
  expect(await client.get(path)).toMatchObject({ items: [{ id: active.id, status: 'active' }] });
  await client.call('DELETE', `${path}/${active.id}`);
  await running(serves!.id, 2);
  expect((await client.nodes(cluster.id))[0]).toMatchObject({ status: 'ready', schedulable: true });
  expect(await client.get(path)).toEqual({ items: [] });
  await client.stop(serves!.id);
});

test('what a person had closed before maintenance stays closed after it', async () => {
  const cluster = await twoNodes();
  const { id } = await nodeNamed(cluster, 'a');
  await client.call('PATCH', `/clusters/${cluster.id}/nodes/${id}`, { schedulable: false });
  const path = `/clusters/${cluster.id}/maintenance`;
  const { id: window } = await client.call<{ id: string }>('POST', path, { starts_at: at(-1000), ends_at: at(long) });
  await until('both are closed', async () => (await client.nodes(cluster.id)).every(({ drain: of }) => of !== null));
  await client.call('DELETE', `${path}/${window}`);
  expect((await nodeNamed(cluster, 'a')).schedulable).toBe(false);
  expect((await nodeNamed(cluster, 'b')).schedulable).toBe(true);
});

test('what makes no sense is refused by field', async () => {
  const cluster = await twoNodes();
  const { id } = await nodeNamed(cluster, 'a');
  const fieldsOf = async (path: string, body: unknown) =>
    ((await client.refused(400, 'POST', path, body)).errors ?? []).map(({ field }) => field);
  const drainPath = `/clusters/${cluster.id}/nodes/${id}/drain`;
  expect(await fieldsOf(drainPath, { deadline_s: -1 })).toEqual(['deadline_s']);
  expect(await fieldsOf(drainPath, { services: 'stay' })).toEqual(['services']);
  const windows = `/clusters/${cluster.id}/maintenance`;
  expect(await fieldsOf(windows, { starts_at: 'tomorrow', ends_at: '2999-01-01T00:00:00Z' })).toEqual(['starts_at']);
  expect(await fieldsOf(windows, { starts_at: '2999-01-02T00:00:00Z', ends_at: '2999-01-01T00:00:00Z' })).toEqual([
    'ends_at',
  ]);
  expect(await fieldsOf(windows, { starts_at: '1999-01-01T00:00:00Z', ends_at: '1999-01-02T00:00:00Z' })).toEqual([
    'ends_at',
  ]);
  const missing = { node_id: cluster.id, starts_at: '2999-01-01T00:00:00Z', ends_at: '2999-01-02T00:00:00Z' };
  expect((await client.refused(404, 'POST', windows, missing)).detail).toContain('no such node');
});

test('engines: addresses and credentials that make no sense are refused by field, and local paths are for the operator', async () => {
  const ask = async (body: object) => {
    const problem = await client.refused(400, 'POST', '/engines', { name: 'e', ...body });
    return (problem.errors ?? []).map(({ field }) => field);
  };
  expect(await ask({ address: 'http://example.com' })).toEqual(['address']);
  expect(await ask({ address: 'tcp://169.254.169.254:2376' })).toEqual(['address']);
  expect(await ask({ address: 'tcp://0xa9fea9fe:2376' })).toEqual(['address']);
  expect(await ask({ address: 'ssh://root@[fe80::1]' })).toEqual(['address']);
  expect(await ask({ address: 'ssh://example.com' })).toEqual(['address']);
  expect(await ask({ address: 'tcp://example.com' })).toEqual(['tls']);
  expect(await ask({ address: 'ssh://root@example.com' })).toEqual(['ssh']);
  const tls = { ca: 'x', cert: 'x', key: 'x' };
  expect(await ask({ address: 'tcp://example.com', tls })).toEqual(['tls.ca', 'tls.cert']);
  const ssh = { key: 'x', host_key: 'x' };
  expect(await ask({ address: 'ssh://root@example.com', ssh })).toEqual(['ssh.key', 'ssh.host_key']);
  const local = { name: 'e', address: 'unix:///var/run/docker.sock' };
  expect(await client.refused(403, 'POST', '/engines', local)).toMatchObject({ code: 'operator_only' });
  const cluster = await twoNodes();
  const node = { name: 'n', engine: 'nowhere' };
  const simulated = await client.refused(400, 'POST', `/clusters/${cluster.id}/nodes`, node);
  expect(simulated.errors).toMatchObject([{ field: 'engine', message: expect.stringContaining('runtime docker') }]);
});
