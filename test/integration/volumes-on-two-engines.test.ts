/** Volumes on real engines: what is written on one is found there, and is on no other. */
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, unique, until } from '../conformance/client.ts';
import { type EnginePort, requireEngine } from '../support/engine-port.ts';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engines.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { proxyTo, type SocketProxy } from '../support/socket-proxy.ts';

let own: EnginePort;
let box: PrivateEngine;
/** Between the service and the engine. */
let proxy: SocketProxy;
let service: TestService;
let client: Client;
let cluster: Cluster;

beforeAll(async () => {
  own = requireEngine();
  box = await openPrivateEngine();
  proxy = await proxyTo(box.socketPath);
  service = await startTestService();
  client = await newOwner(service.url);
  // Only the operator may name a socket of this machine.
  await service.sql('update "user" set operator = true');
  const address = `unix://${proxy.path}`;
  await client.call('POST', '/engines', { name: 'box', address });
  cluster = await client.createCluster({
    runtime: 'docker',
    nodes: [
      { name: 'here', ram: 1, cpu: 2 },
      { name: 'there', engine: 'box', ram: 1, cpu: 2 },
    ],
  });
});
afterAll(async () => {
  await service?.stop();
  await proxy?.close();
  await box?.remove();
});

interface Volume {
  id: string;
  name: string;
  status: string;
  engine: { name: string } | null;
  size_bytes: number | null;
}

const ownDocker = () => own.docker;
const boxDocker = () => new Docker({ socketPath: box.socketPath });

/** Those of this test's installation, with the ids by which we know them. */
async function volumesOn(docker: Docker): Promise<{ name: string; id: string }[]> {
  const [row] = await service.sql<{ id: string }>('select id from installation');
  const { Volumes } = await docker.listVolumes({ filters: { label: [`hypervisor.installation=${row?.id}`] } });
  return (Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, id: Labels['hypervisor.volume'] ?? '' }));
}

async function idsOn(docker: Docker): Promise<string[]> {
  return (await volumesOn(docker)).map(({ id }) => id);
}

function createVolume(engine: string | null): Promise<Volume> {
  return client.call<Volume>('POST', '/volumes', { cluster_id: cluster.id, name: unique('v'), engine });
}

function using(volume: Volume, text: string, more: DeploymentInput = {}): DeploymentInput {
  return {
    kind: 'job',
    docker_image: own.image,
    command: ['sh', '-c', text],
    pull_policy: 'never',
    stop_grace_s: 0,
    ram_required: 0.032,
    cpu_required: 0.5,
    volumes: [{ name: volume.name, path: '/data' }],
    ...more,
  };
}

/** What a job printed, and on which node. */
async function ran(input: DeploymentInput): Promise<{ said: string; node: string | undefined }> {
  const { id } = await client.submit(cluster.id, input);
  const { replica_states } = await client.became(id, 'succeeded');
  const said = await (await client.fetch(`/api/v1/deployments/${id}/logs`)).text();
  return { said, node: replica_states[0]?.node };
}

async function removed(volume: Volume): Promise<void> {
  expect([202, 204]).toContain((await client.ask('DELETE', `/volumes/${volume.id}`)).status);
  await until('the volume is gone', async () => (await client.ask('GET', `/volumes/${volume.id}`)).status === 404);
}

test('what was written on one engine is found by the next deployment, though the other engine is emptier', async () => {
  const places = [
    { engine: null, node: 'here', docker: ownDocker(), other: boxDocker() },
    { engine: 'box', node: 'there', docker: boxDocker(), other: ownDocker() },
  ];
  for (const { engine, node, docker, other } of places) {
    const volume = await createVolume(engine);
    const text = `head -c 100000 /dev/zero > /data/zeros; echo from ${node} > /data/x`;
    expect((await ran(using(volume, text))).node).toBe(node);
    // Something else is on the engine of the volume, and nothing on the other one.
    const busy = await client.submit(
      cluster.id,
      using(volume, 'while :; do sleep 1; done', { kind: 'service', cpu_required: 1 }),
    );
    await client.became(busy.id, 'running');
    expect(await ran(using(volume, 'cat /data/x'))).toEqual({ said: `from ${node}\n`, node });
    expect(await idsOn(docker)).toContain(volume.id);
    expect(await idsOn(other)).not.toContain(volume.id);
    const listed = await until('its size is known', async () => {
      const read = await client.get<Volume>(`/volumes/${volume.id}`);
      return read.size_bytes !== null && read;
    });
    expect(listed).toMatchObject({
      size_bytes: expect.closeTo(100_000, -5) as number,
      status: 'ready',
    });
    await client.stop(busy.id);
    await client.became(busy.id, 'cancelled', 'succeeded');
    await removed(volume);
    expect(await idsOn(docker)).not.toContain(volume.id);
  }
});

test('is removed from its engine when that is back, and other volumes meanwhile', async () => {
  const [there, here] = [await createVolume('box'), await createVolume(null)];
  for (const volume of [there, here]) await ran(using(volume, 'echo x > /data/x'));
  await proxy.cut();
  expect((await client.ask('DELETE', `/volumes/${there.id}`)).status).toBe(202);
  await removed(here);
  expect((await client.get<Volume>(`/volumes/${there.id}`)).status).toBe('deleting');
  await proxy.mend();
  await until('it is gone there', async () => (await client.ask('GET', `/volumes/${there.id}`)).status === 404);
  expect(await idsOn(boxDocker())).toEqual([]);
});

test('is not looked for on an engine that it is not on, also where something with its labels is there', async () => {
  const volume = await createVolume(null);
  await ran(using(volume, 'echo x > /data/x'));
  const made = (await volumesOn(ownDocker())).find(({ id }) => id === volume.id);
  const labels = (await ownDocker().getVolume(made!.name).inspect()).Labels;
  await boxDocker().createVolume({ Name: made!.name, Labels: labels });
  await removed(volume);
  expect(await idsOn(ownDocker())).toEqual([]);
  expect(await idsOn(boxDocker())).toEqual([volume.id]);
});
