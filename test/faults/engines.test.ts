/** Engines on other machines: reached over TLS and SSH, lost, and back. Each is a dockerd of this test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, until } from '../conformance/client.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engines.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type SshServer, startSshServer } from '../support/ssh-server.ts';

let dir: string;
let certificates: Certificates;
let port: number;
/** Over TLS; its containers outlive it. */
let lasting: PrivateEngine;
/** Over SSH; its containers end with it. */
let plain: PrivateEngine;
let ssh: SshServer;
let service: TestService;
let client: Client;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hv-tls-'));
  certificates = await makeCertificates(dir);
  port = await freePort();
  const { ca, cert, key } = certificates.server;
  const tls = ['--tlsverify', `--tlscacert=${ca}`, `--tlscert=${cert}`, `--tlskey=${key}`];
  lasting = await openPrivateEngine(['--live-restore', ...tls, '--host', `tcp://127.0.0.1:${port}`]);
  plain = await openPrivateEngine();
  ssh = await startSshServer(plain.socketPath);
  service = await startTestService();
  client = await newOwner(service.url);
});

afterAll(async () => {
  await service?.stop();
  await ssh?.close();
  await Promise.all([lasting?.remove(), plain?.remove()]);
  await rm(dir, { recursive: true, force: true });
});

interface Node {
  id: string;
  name: string;
  reachable: boolean;
  schedulable: boolean;
  message: string | null;
  labels: Record<string, string>;
  warnings: string[];
  resources: Cluster['resources'];
  engine: { name: string } | null;
}

const none = { ram: 0, cpu: 0, gpu: 0 };
const tlsEngine = () => ({ name: 'lasting', address: `tcp://127.0.0.1:${port}`, tls: certificates.client });
const sshEngine = () => ({
  name: 'plain',
  address: `ssh://root@127.0.0.1:${ssh.port}`,
  ssh: { key: ssh.clientKey, host_key: ssh.hostKey },
});

function script(text: string, rest: DeploymentInput = {}): DeploymentInput {
  const size = { ram_required: 0.032, cpu_required: 0.1, gpu_required: 0 };
  return {
    kind: 'job',
    docker_image: plain.image,
    command: ['sh', '-c', text],
    pull_policy: 'never',
    stop_grace_s: 0,
    ...size,
    ...rest,
  };
}

const forever = 'while :; do echo here; sleep 1; done';

async function nodeNamed(clusterId: string, name: string): Promise<Node> {
  const nodes = (await client.get<{ items: Node[] }>(`/clusters/${clusterId}/nodes`)).items;
  return nodes.find((node) => node.name === name)!;
}

/** A cluster of both engines, with labels to tell them apart. */
function twoMachines(policy: object): Promise<Cluster> {
  const nodes = ['lasting', 'plain'].map((name) => ({ name, engine: name, ram: 0.5, cpu: 1, labels: { on: name } }));
  return client.createCluster({ runtime: 'docker', nodes, policy });
}

test('what cannot be reached, or is not who it should be, is refused with what was wrong', async () => {
  const other = await makeOtherCertificates();
  const tls = await client.refused(422, 'POST', '/engines', { ...tlsEngine(), tls: other.client });
  expect(tls).toMatchObject({ code: 'engine_unreachable' });
  expect(tls.detail).toMatch(/does not answer \((UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|CERT_)/);
  const good = sshEngine();
  const elsewhere = await startSshServer(plain.socketPath);
  const host = { ...good, ssh: { ...good.ssh, host_key: elsewhere.hostKey } };
  expect((await client.refused(422, 'POST', '/engines', host)).detail).toContain(
    'another key than the one that is known',
  );
  const user = { ...good, ssh: { ...good.ssh, key: elsewhere.clientKey } };
  expect((await client.refused(422, 'POST', '/engines', user)).detail).toContain('the host refused the key');
  await elsewhere.close();
  expect(await client.get('/engines')).toMatchObject({ items: [] });
});

test('two engines are nodes of one cluster: found by themselves, used, and told apart', async () => {
  const made = await client.call<{ ram: number; cpu: number; labels: object }>('POST', '/engines', tlsEngine());
  expect(made).toMatchObject({ reachable: true, labels: { os: 'linux' } });
  expect(JSON.stringify(made)).not.toContain('PRIVATE');
  await client.call('POST', '/engines', sshEngine());
  const cluster = await client.createCluster({ runtime: 'docker', nodes: [{ name: 'plain', engine: 'plain' }] });
  expect((await nodeNamed(cluster.id, 'plain')).resources.total).toMatchObject({ ram: made.ram, cpu: made.cpu });
  const more = await client.call<Node>('POST', `/clusters/${cluster.id}/nodes`, {
    name: 'lasting',
    engine: 'lasting',
    ram: made.ram + 1,
    cpu: 1,
    labels: { on: 'lasting' },
  });
  expect(more.warnings).toEqual([expect.stringContaining(`GB of memory, the node says ${made.ram + 1}`)]);
  expect(more.labels).toMatchObject({ os: 'linux', on: 'lasting' });

  const both = await client.submit(cluster.id, script(forever, { replicas: 2, max_per_node: 1 }));
  await client.became(both.id, 'running');
  for (const engine of [lasting, plain])
    expect(await engine.containersOf(both.id)).toMatchObject([{ state: 'running' }]);
  // Several looks, of one engine at what runs on the other as well.
  const ends = await client.submit(cluster.id, script('echo said; exit 3', { node_labels: { on: 'lasting' } }));
  expect(await client.became(ends.id, 'failed')).toMatchObject({ exit_code: 3 });
  await until('both are cleaned up', async () => (await lasting.containersOf(ends.id)).length === 0);
  for (const id of [0, 1]) {
    const log = await (await client.fetch(`/api/v1/deployments/${both.id}/logs?replica=${id}&tail=1`)).text();
    expect(log).toContain('here');
  }
  expect(await client.deployment(both.id)).toMatchObject({ status: 'running', attempt: 1 });
  await client.stop(both.id);
  await client.became(both.id, 'cancelled');
  for (const engine of [lasting, plain]) {
    await until('its containers are removed', async () => (await engine.containersOf(both.id)).length === 0);
  }
  expect((await client.cluster(cluster.id)).resources.allocated).toEqual(none);
  // Dozens of requests went over few connections: how many requests, depends on how long it took.
  expect(ssh.connections()).toBeLessThan(ssh.channels() / 3);
});

test('an engine that is away for less than the grace loses nothing: its containers are adopted, or their end is told', async () => {
  const cluster = await twoMachines({ lost_after_s: 600 });
  const [outlives, dies] = await client.submitAll(cluster.id, [
    script(forever, { node_labels: { on: 'lasting' } }),
    script(forever, { node_labels: { on: 'plain' } }),
  ]);
  for (const { id } of [outlives!, dies!]) await client.became(id, 'running');
  const [before] = await lasting.containersOf(outlives!.id);
  await Promise.all([lasting.kill(), plain.kill()]);
  await until('it says so', async () => (await client.cluster(cluster.id)).status === 'unreachable');
  const waits = await client.submit(cluster.id, script('exit 0'));
  expect(await client.deployment(outlives!.id)).toMatchObject({ status: 'running' });
  expect((await client.deployment(waits.id)).status).toBe('queued');
  await Promise.all([lasting.start(), plain.start()]);
  await client.became(waits.id, 'succeeded');
  await client.became(dies!.id, 'failed');
  expect(await lasting.containersOf(outlives!.id)).toEqual([before]);
  expect(await client.deployment(outlives!.id)).toMatchObject({ status: 'running', attempt: 1 });
  await client.stop(outlives!.id);
  await client.became(outlives!.id, 'cancelled');
});

test('an engine that stays away is given up; when it is back, what ran there is stopped and nothing runs twice', async () => {
  const cluster = await twoMachines({ lost_after_s: 1 });
  const lost = await client.submit(cluster.id, script(forever, { node_labels: { on: 'lasting' } }));
  await client.became(lost.id, 'running');
  const stays = await client.submit(cluster.id, script(forever, { node_labels: { on: 'plain' } }));
  await client.became(stays.id, 'running');
  await lasting.kill();
  expect(await client.became(lost.id, 'failed')).toMatchObject({ reason_code: 'engine_lost', attempt: 1 });
  expect((await nodeNamed(cluster.id, 'lasting')).resources.allocated).toEqual(none);
  expect(await nodeNamed(cluster.id, 'lasting')).toMatchObject({ reachable: false, message: expect.any(String) });
  expect((await client.cluster(cluster.id)).status).toBe('ready');
  // Nothing new is placed there meanwhile.
  const elsewhere = await client.submit(cluster.id, script(forever));
  await client.became(elsewhere.id, 'running');
  expect(await plain.containersOf(elsewhere.id)).toHaveLength(1);
  await client.call('POST', `/deployments/${lost.id}/retry`);
  await lasting.start();
  await until('the first attempt is gone', async () => {
    const found = await lasting.containersOf(lost.id);
    return found.every(({ attempt }) => attempt === 2);
  });
  await client.became(lost.id, 'running');
  expect(await lasting.containersOf(lost.id)).toMatchObject([{ attempt: 2, state: 'running' }]);
  for (const { id } of [stays, elsewhere]) {
    expect(await client.deployment(id)).toMatchObject({ status: 'running', attempt: 1 });
  }
  const ends = (await client.eventsOf(lost.id)).filter(({ type }) => type === 'deployment.failed');
  expect(ends).toHaveLength(1);
});

async function makeOtherCertificates(): Promise<Certificates> {
  const elsewhere = await mkdtemp(join(tmpdir(), 'hv-tls-'));
  try {
    return await makeCertificates(elsewhere);
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
}
