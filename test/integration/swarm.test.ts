/** A cluster that is a swarm: three real engines, each on a machine of its own, reached over TLS. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, until } from '../conformance/client.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import type { Machine } from '../support/network-namespaces.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { openSwarm, type SwarmMachine, type TestSwarm } from '../support/swarm.ts';

const port = 2376;

let dir: string;
let certificates: Certificates;
let swarm: TestSwarm;
let service: TestService;
let client: Client;
let cluster: Cluster;

/** Two GPUs with names on the second machine. */
const gpus = ['--node-generic-resource', 'NVIDIA-GPU=GPU-one', '--node-generic-resource', 'NVIDIA-GPU=GPU-two'];

async function flags(machines: readonly Machine[]) {
  certificates = await makeCertificates(
    dir,
    machines.map(({ address }) => address),
  );
  const { ca, cert, key } = certificates.server;
  const tls = ['--tlsverify', `--tlscacert=${ca}`, `--tlscert=${cert}`, `--tlskey=${key}`];
  return machines.map(({ address }, index) => [
    ...tls,
    `--host=tcp://${address}:${port}`,
    ...(index === 1 ? gpus : []),
  ]);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hv-swarm-'));
  swarm = await openSwarm({ machines: 3, flags });
  service = await startTestService();
  client = await newOwner(service.url);
  const address = `tcp://${swarm.machines[0].address}:${port}`;
  const made = await client.call<Engine>('POST', '/engines', {
    name: 'lab',
    kind: 'swarm',
    address,
    tls: certificates.client,
  });
  expect(made).toMatchObject({ kind: 'swarm', reachable: true, swarm: null });
  expect(JSON.stringify(made)).not.toContain('PRIVATE');
  cluster = await client.createCluster({
    runtime: 'swarm',
    engine: 'lab',
    policy: { lost_after_s: 1 },
  });
});
afterAll(async () => {
  await service?.stop();
  await swarm?.remove();
  await rm(dir, { recursive: true, force: true });
});

interface Engine {
  kind: string;
  name: string;
  address: string;
  ram: number;
  cpu: number;
}

interface Node {
  id: string;
  name: string;
  status: string;
  schedulable: boolean;
  message: string | null;
  labels: Record<string, string>;
  gpus: { model: string; driver: string }[];
  resources: Cluster['resources'];
  engine: { address: string };
}

/** In the order of the machines. */
async function nodes(): Promise<[Node, Node, Node]> {
  const { items } = await client.get<{ items: Node[] }>(`/clusters/${cluster.id}/nodes`);
  return swarm.machines.map((machine) => {
    const found = items.find(({ engine }) => engine.address === `tcp://${machine.address}:${port}`);
    if (found === undefined) throw new Error(`no node at ${machine.address}: ${JSON.stringify(items)}`);
    return found;
  }) as [Node, Node, Node];
}

function script(text: string, more: DeploymentInput = {}): DeploymentInput {
  return {
    kind: 'job',
    docker_image: swarm.machines[0].image,
    command: ['sh', '-c', text],
    pull_policy: 'never',
    stop_grace_s: 1,
    ram_required: 0.032,
    cpu_required: 0.25,
    gpu_required: 0,
    ...more,
  };
}

const forever = "trap 'exit 143' TERM; while :; do sleep 1 & wait $!; done";
/** A name is known once its replica runs. */
const reach = (name: string) =>
  `until ping -c 1 -W 2 ${name} > /dev/null 2>&1; do sleep 0.2; done; echo reached ${name}`;
const logOf = async (id: string, replica = 0) =>
  (await client.fetch(`/api/v1/deployments/${id}/logs?replica=${replica}`)).text();

async function setAvailability({ nodeId }: SwarmMachine, Availability: string): Promise<void> {
  const node = swarm.machines[0].docker.getNode(nodeId);
  const { Version, Spec } = (await node.inspect()) as { Version: { Index: number }; Spec: object };
  const update: unknown = node.update({ version: Version.Index, ...Spec, Availability } as never);
  await (update as Promise<void>);
}

test('its nodes are found by themselves, with what they have', async () => {
  const found = await nodes();
  const { MemTotal, NCPU } = (await swarm.machines[0].docker.info()) as { MemTotal: number; NCPU: number };
  for (const { status, resources, labels } of found) {
    expect(status).toBe('ready');
    expect(resources.total).toMatchObject({ ram: Math.floor((MemTotal / 1024 ** 3) * 1000) / 1000, cpu: NCPU });
    expect(labels).toMatchObject({ os: 'linux', docker_version: expect.any(String) });
  }
  expect(found.map(({ gpus: of }) => of.map(({ model, driver }) => `${model} ${driver}`))).toEqual([
    [],
    ['NVIDIA-GPU nvidia', 'NVIDIA-GPU nvidia'],
    [],
  ]);
  const [{ id }] = found;
  expect(await client.refused(409, 'DELETE', `/clusters/${cluster.id}/nodes/${id}`)).toMatchObject({
    code: 'node_of_swarm',
  });
});

test('replicas on several machines reach each other over a network of their own, with their files and GPUs', async () => {
  // One machine has not room for two.
  const [{ resources }] = await nodes();
  const names = ['replica-0', 'replica-1', 'replica-2'];
  const all = [...names.map(reach), 'cat /etc/app.conf', forever].join('\n');
  const { id } = await client.submit(
    cluster.id,
    script(all, {
      kind: 'service',
      replicas: 3,
      cpu_required: resources.total.cpu * 0.6,
      network: 'private',
      files: [{ path: '/etc/app.conf', content: 'colour = {{blue}}\n' }],
    }),
  );
  const { replica_states } = await client.became(id, 'running');
  expect(new Set(replica_states.map(({ node }) => node)).size).toBe(3);
  const expected = `${names.map((name) => `reached ${name}\n`).join('')}colour = {{blue}}\n`;
  for (const replica of [0, 1, 2]) {
    await until(`replica ${replica} reaches all`, async () => (await logOf(id, replica)) === expected);
  }
  await client.stop(id);
  await client.became(id, 'succeeded');

  // No shell: it would pass on no variable with a dash in its name.
  const env = { LITERAL: '{{.Node.ID}} a' };
  const gpu = await client.submit(cluster.id, script('', { command: ['env'], gpu_required: 1, env }));
  await client.became(gpu.id, 'succeeded');
  const said = await logOf(gpu.id);
  expect(said).toMatch(/NVIDIA_VISIBLE_DEVICES=GPU-(one|two)\n/);
  // The swarm has reserved one, too.
  expect(said).toMatch(/DOCKER_RESOURCE_NVIDIA-GPU=GPU-(one|two)\n/);
  expect(said).toContain('LITERAL={{.Node.ID}} a\n');
});

test('what the swarm has given to others is not there for ours, which is said in plain words', async () => {
  const [manager] = swarm.machines;
  const [{ resources }] = await nodes();
  const { id: taken } = await manager.docker.createService({
    Name: 'somebody-elses',
    Mode: { Global: {} },
    TaskTemplate: {
      ContainerSpec: { Image: manager.image, Args: ['sleep', '3600'], StopGracePeriod: 0 },
      Resources: { Reservations: { NanoCPUs: resources.total.cpu * 1e9 } },
    },
  } as never);
  const tasks = async () =>
    ((await manager.docker.listTasks()) as { ServiceID: string; Status: { State: string } }[]).filter(
      ({ ServiceID, Status }) => ServiceID === taken && Status.State === 'running',
    );
  await until('they have all of it', async () => (await tasks()).length === 3);
  const { id } = await client.submit(cluster.id, script('true', { cpu_required: 0.5 }));
  expect(await client.became(id, 'failed')).toMatchObject({
    reason: expect.stringContaining('the node has not that much left in the swarm'),
  });
  await manager.docker.getService(taken).remove();
  await until('it is theirs no more', async () => (await tasks()).length === 0);
});

test('a node that is drained in the swarm is drained here: what ran there runs elsewhere, and has not failed', async () => {
  const { id } = await client.submit(cluster.id, script(forever, { kind: 'service' }));
  const { replica_states } = await client.became(id, 'running');
  const at = (await nodes()).findIndex(({ name }) => name === replica_states[0]?.node);
  const machine = swarm.machines[at] as SwarmMachine;
  await setAvailability(machine, 'drain');
  await until('it runs elsewhere', async () => {
    const now = await client.deployment(id);
    const [replica] = now.replica_states;
    return now.status === 'running' && replica?.node !== replica_states[0]?.node;
  });
  const types = (await client.eventsOf(id)).map(({ type }) => type);
  expect(types.filter((type) => /failed|succeeded|cancelled/.test(type))).toEqual([]);
  await until('it is drained', async () => (await nodes())[at]?.status === 'drained');
  await setAvailability(machine, 'active');
  await until('it is open again', async () => (await nodes())[at]?.status === 'ready');
  await client.stop(id);
  await client.became(id, 'succeeded');
});

test('an engine that is killed: its replica is given up, and runs on another machine', async () => {
  const [, , last] = swarm.machines as readonly SwarmMachine[];
  const lastNode = (await nodes())[2];
  const { id } = await client.submit(
    cluster.id,
    script(forever, { kind: 'service', replicas: 3, cpu_required: lastNode.resources.total.cpu * 0.3 }),
  );
  const before = await client.became(id, 'running');
  expect(before.replica_states).toHaveLength(3);
  await last?.kill();
  await until('its node is unreachable', async () => (await nodes())[2].status === 'unreachable');
  await until('all run on the others', async () => {
    const now = await client.deployment(id);
    return (
      now.status === 'running' &&
      now.replica_states.every(({ node, status }) => status === 'running' && node !== lastNode.name)
    );
  });
  await last?.start();
  await until('its node is back', async () => (await nodes())[2].status === 'ready');
  await until('nothing of it is left there', async () => (await last?.containersOf(id))?.length === 0);
  await client.stop(id);
  await client.became(id, 'succeeded');
});
