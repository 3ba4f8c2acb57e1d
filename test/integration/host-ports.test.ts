/** Fixed host ports from end to end: found at admission, waited for, backed by the database, and shown where they are reached. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, until } from '../conformance/client.ts';
import { type EnginePort, requireEngine } from '../support/engine-port.ts';
import { freePort } from '../support/free-port.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
let engine: EnginePort;
beforeAll(async () => {
  engine = requireEngine();
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const fixed = (host: number, protocol: 'tcp' | 'udp' = 'tcp') => ({ container: 8080, host, protocol });

/** A web server that says hello. */
function hello(host: number | null, input: DeploymentInput = {}): DeploymentInput {
  return {
    docker_image: engine.image,
    pull_policy: 'never',
    ram_required: 0.032,
    cpu_required: 0.2,
    stop_grace_s: 0,
    command: ['sh', '-c', 'mkdir /www; echo hello > /www/index.html; exec httpd -f -p 8080 -h /www'],
    ports: [{ container: 8080, host, protocol: 'tcp' }],
    ...input,
  };
}

async function waitsFor(client: Client, id: string) {
  return until(`${id} waits for a port`, async () => {
    const { waiting } = await client.deployment(id);
    return waiting?.reason === 'port_taken' && waiting;
  });
}

const claims = () => service.sql('select machine, port, deployment_id from port_claim order by machine, port');

describe('on simulated nodes, each a machine of its own', () => {
  const nodes = [
    { name: 'a', ram: 8, cpu: 8 },
    { name: 'b', ram: 8, cpu: 8 },
  ];

  test('each replica stands on another; the next one waits, and starts where one has ended', async () => {
    const cluster = await owner.createCluster({ nodes });
    const pair = await owner.submit(cluster.id, { name: 'pair', replicas: 2, ports: [fixed(80)] });
    const running = await owner.became(pair.id, 'running');
    expect(running.replica_states.map(({ node }) => node).toSorted()).toEqual(['a', 'b']);
    const other = await owner.submit(cluster.id, { name: 'other', ports: [fixed(80)] });
    const { message } = await waitsFor(owner, other.id);
    expect(message).toBe('the host port 80 (tcp) that it needs is taken by pair');
    await owner.became((await owner.submit(cluster.id, { ports: [fixed(80, 'udp')] })).id, 'running');
    await owner.stop(pair.id);
    await owner.became(other.id, 'running');
    const held = (await claims()).filter((one) => one['deployment_id'] === pair.id);
    expect(held).toEqual([]);
  });

  test('more replicas than machines are refused at once, and the field is named', async () => {
    const cluster = await owner.createCluster({ nodes });
    const body = { docker_image: 'simulated/job', ram_required: 1, cpu_required: 1, replicas: 3, ports: [fixed(80)] };
    const problem = await owner.refused(422, 'POST', '/deployments', { cluster_id: cluster.id, ...body });
    expect(problem.code).toBe('never_fits');
    expect(problem.errors).toEqual([
      {
        field: 'ports',
        message: expect.stringContaining('3 replicas need as many machines, and the cluster has 2 that could hold one'),
      },
    ]);
    // Where a free one is picked, they may share.
    await owner.submit(cluster.id, { replicas: 3, ports: [{ container: 80 }] });
  });

  test('of many that want the same port, one at a time has it, whatever races', async () => {
    const cluster = await owner.createCluster({ nodes: nodes.slice(0, 1) });
    const env = { SIM_RUN_MS: '20' };
    const one: DeploymentInput = { kind: 'job', env, ports: [fixed(80)] };
    const submitted = await owner.submitAll(
      cluster.id,
      Array.from({ length: 12 }, () => one),
    );
    for (const { id } of submitted) await owner.became(id, 'succeeded');
    const overlapping = await service.sql(
      `select a.id from deployment a join deployment b on a.cluster_id = b.cluster_id and a.id < b.id
        where a.cluster_id = $1 and a.admitted_at < b.finished_at and b.admitted_at < a.finished_at`,
      [cluster.id],
    );
    expect(overlapping).toEqual([]);
    expect(await claims()).not.toContainEqual(expect.objectContaining({ deployment_id: submitted[0]?.id }));
  });
});

describe('on a Docker Engine, which is one machine for all clusters', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await owner.createCluster({ runtime: 'docker' });
  });

  test('the second waits, also in another cluster of another organization, and starts when the first has ended', async () => {
    const port = await freePort();
    const first = await owner.submit(cluster.id, hello(port, { name: 'first' }));
    await owner.became(first.id, 'running');
    const second = await owner.submit(cluster.id, hello(port, { name: 'second' }));
    expect((await waitsFor(owner, second.id)).message).toBe(
      `the host port ${port} (tcp) that it needs is taken by first`,
    );

    const stranger = await newOwner(service.url);
    const elsewhere = await stranger.createCluster({ runtime: 'docker' });
    const foreign = await stranger.submit(elsewhere.id, hello(port));
    const { message } = await waitsFor(stranger, foreign.id);
    expect(message).toBe(`the host port ${port} (tcp) that it needs is taken by a deployment of another organization`);
    expect((await stranger.deployment(foreign.id)).status).toBe('queued');

    await owner.cancel(second.id);
    await owner.stop(first.id);
    await stranger.became(foreign.id, 'running');
    await stranger.stop(foreign.id);
  });

  test('where it is reached is said, of a fixed port and of one that was picked, and it is reached there', async () => {
    for (const host of [await freePort(), null]) {
      const check = { http: { port: 8080 }, interval_s: 1 };
      const { id } = await owner.submit(cluster.id, hello(host, { health_check: check }));
      const { replica_states: replicas } = await until('it is ready', async () => {
        const deployment = await owner.deployment(id);
        return deployment.ready_replicas === 1 && deployment;
      });
      const [port] = replicas[0]?.ports ?? [];
      expect(port).toEqual({
        container: 8080,
        host: host ?? expect.any(Number),
        protocol: 'tcp',
        address: new URL(service.url).hostname,
      });
      const answer = await fetch(`http://${port?.address}:${port?.host}/`);
      expect(await answer.text()).toBe('hello\n');
      await owner.stop(id);
    }
  });

  test('a port that something else on the machine has fails the start, and is named', async () => {
    const server = createServer().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { id } = await owner.submit(cluster.id, hello(port, { kind: 'job' }));
    const failed = await owner.became(id, 'failed');
    expect(failed).toMatchObject({ reason_code: 'start_failed', reason: `the host port ${port} is in use already` });
    expect((await claims()).filter((one) => one['deployment_id'] === id)).toEqual([]);
    server.close();
  });
});

test('the database refuses a port that is had, whatever writes it', async () => {
  const cluster = await owner.createCluster();
  const first = await owner.submit(cluster.id, { ports: [fixed(99)] });
  await owner.became(first.id, 'running');
  const second = await owner.submit(cluster.id, { ports: [fixed(99)] });
  const again = service.sql(
    `insert into allocation (deployment_id, replica, attempt, cluster_id, node_id, ram, cpu, gpu, host_ports)
     select $2, 0, 1, cluster_id, node_id, 0, 0, 0, host_ports from allocation where deployment_id = $1`,
    [first.id, second.id],
  );
  await expect(again).rejects.toThrow(/port_claim_pkey/);
});
