/** What the control plane stands on goes away and comes back: nothing is lost, and it goes on by itself. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { startRedis } from '../../src/platform/redis.ts';
import {
  type Client,
  type Deployment,
  type DeploymentInput,
  newOwner,
  type Problem,
  submission,
  until,
} from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { proxyTo } from '../support/socket-proxy.ts';

const none = { ram: 0, cpu: 0, gpu: 0 };
const job = (ms: number): DeploymentInput => ({ kind: 'job', env: { SIM_RUN_MS: String(ms) } });

test('PostgreSQL gone and back: 503 with a problem meanwhile, then everything goes on', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'hv-postgres-'));
  // The server runs as a user of its own, who has to get there.
  await chmod(dataDir, 0o755);
  let postgres = await startEmbeddedPostgres({ dataDir });
  const service = await startTestService({ config: { databaseUrl: postgres.url } });
  try {
    const client = await newOwner(service.url);
    const cluster = await client.createCluster({ ram: 32, cpu: 4 });
    const stays = await client.submit(cluster.id);
    await client.became(stays.id, 'running');
    const made = await client.submitAll(cluster.id, [job(200), job(1500), job(3000), job(10), job(10), job(10)]);
    await postgres.stop();

    const anybody = client.url;
    for (const [method, path, body] of [
      ['GET', '/clusters'],
      ['GET', `/deployments/${stays.id}`],
      ['POST', '/deployments', submission(cluster.id)],
      ['POST', '/auth/sign-in', { username: 'somebody', password: 'something' }],
    ] as const) {
      const problem = await until(`${method} ${path} is 503`, async () => {
        const answer = await client.ask<Problem>(method, path, body);
        // Whoever is remembered to be signed in, and asks nothing of the database, may still be answered.
        expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(500);
        return answer.status === 503 && answer;
      });
      expect(problem.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(problem.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(problem.body.code).toBe('store_unavailable');
      expect(JSON.stringify(problem.body)).not.toMatch(/ECONN|ENOENT|\.ts|socket/);
    }
    expect((await fetch(`${anybody}/api/v1/health`)).status).toBe(200);
    expect((await fetch(`${anybody}/api/v1/ready`)).status).toBe(503);

    postgres = await startEmbeddedPostgres({ dataDir });
    await until('it is ready', async () => (await fetch(`${anybody}/api/v1/ready`)).status === 200);
    for (const { id } of made) await client.became(id, 'succeeded');
    await expectEndedOnce(service, client, made);
    expect(await client.deployment(stays.id)).toMatchObject({ status: 'running', attempt: 1 });
    const late = await client.submit(cluster.id, job(10));
    await client.became(late.id, 'succeeded');
    await client.stop(stays.id);
    await client.became(stays.id, 'succeeded');
    expect((await client.cluster(cluster.id)).resources.allocated).toEqual(none);
  } finally {
    await service.stop();
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

test('Redis gone, and back with nothing in it: lost tasks are found again', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hv-redis-'));
  let redis = await startRedis({ dir });
  const service = await startTestService({ config: { redisUrl: redis.url } });
  try {
    const client = await newOwner(service.url);
    const cluster = await client.createCluster({ ram: 64, cpu: 64 });
    const stays = await client.submit(cluster.id);
    await client.became(stays.id, 'running');
    const slow = await client.submit(cluster.id, { ...job(50), env: { SIM_RUN_MS: '50', SIM_START_MS: '1000' } });
    await client.became(slow.id, 'starting', 'running', 'succeeded');
    await redis.stop();
    const made = await client.submitAll(
      cluster.id,
      Array.from({ length: 20 }, () => job(20)),
    );
    await client.stop(stays.id);
    await until('all are admitted without it', async () => (await client.cluster(cluster.id)).deployments.queued === 0);
    await rm(dir, { recursive: true, force: true });
    redis = await startRedis({ dir });
    for (const { id } of [slow, ...made]) await client.became(id, 'succeeded');
    await client.became(stays.id, 'succeeded');
    await expectEndedOnce(service, client, [slow, stays, ...made]);
    expect((await client.cluster(cluster.id)).resources.allocated).toEqual(none);
  } finally {
    await service.stop();
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
});

test('engine gone and back while deployments run, end, are stopped and are submitted', async () => {
  const engine = requireEngine();
  const proxy = await proxyTo(engine.host.replace('unix://', ''));
  const service = await startTestService({ config: { dockerHost: `unix://${proxy.path}` } });
  const record = await engine.record();
  try {
    const client = await newOwner(service.url);
    const cluster = await client.createCluster({ runtime: 'docker', ram: 0.256, cpu: 0.8, gpu: 0 });
    const script = (text: string, rest: DeploymentInput = {}): DeploymentInput => ({
      kind: 'job',
      docker_image: engine.image,
      command: ['sh', '-c', text],
      ram_required: 0.032,
      cpu_required: 0.1,
      pull_policy: 'never',
      stop_grace_s: 0,
      ...rest,
    });
    const forever = 'while :; do sleep 1; done';
    const [stays, stopped, ends, deleted] = (await client.submitAll(cluster.id, [
      script(forever, { kind: 'service' }),
      script(forever, { kind: 'service' }),
      script(`trap 'exit 4' USR1; while :; do sleep 0.1; done`),
      script(forever),
    ])) as [Deployment, Deployment, Deployment, Deployment];
    for (const { id } of [stays, stopped, ends, deleted]) await client.became(id, 'running');

    for (let outage = 0; outage < 3; outage += 1) {
      await proxy.cut();
      await until('it says so', async () => (await client.cluster(cluster.id)).status === 'unreachable');
      if (outage === 0) {
        expect((await client.stop(stopped.id)).status).toBe('stopping');
        await client.call('DELETE', `/deployments/${deleted.id}`);
        // While it cannot be stopped, what it holds is not given away.
        expect((await client.cluster(cluster.id)).resources.allocated.ram).toBeCloseTo(4 * 0.032, 6);
        // Past the proxy. What was started just now may not listen yet.
        await until('one of them has ended meanwhile', async () => {
          const [container] = await engine.containersOf([ends.id]);
          if (container?.state === 'exited') return true;
          const signalled = engine.docker.getContainer(container!.id).kill({ signal: 'USR1' });
          await signalled.catch(() => undefined);
          return false;
        });
      }
      await proxy.mend();
      await until('it says so', async () => (await client.cluster(cluster.id)).status === 'ready');
    }
    await client.became(stopped.id, 'succeeded');
    expect(await client.became(ends.id, 'failed')).toMatchObject({ exit_code: 4 });
    await until('it is deleted', async () => (await client.ask('GET', `/deployments/${deleted.id}`)).status === 404);
    await expectEndedOnce(service, client, [stopped, ends]);
    expect(await client.deployment(stays.id)).toMatchObject({ status: 'running', attempt: 1 });

    // Cut at every moment of a start: still each is made and run once.
    const made: Deployment[] = [];
    for (let round = 0; round < 6; round += 1) {
      made.push(await client.submit(cluster.id, script('exit 0')));
      await new Promise((resolve) => setTimeout(resolve, round * 40));
      await proxy.cut();
      await proxy.mend();
    }
    for (const { id } of made) await client.became(id, 'succeeded');
    await expectEndedOnce(service, client, made);
    const ids = made.map(({ id }) => id);
    await until('they are cleaned up', async () => (await engine.containersOf(ids)).length === 0);
    const started = record.events.filter((event) => event.action === 'start' && ids.includes(event.deploymentId));
    expect(started.map((event) => event.deploymentId).toSorted()).toEqual(ids.toSorted());
    await client.stop(stays.id);
    await client.became(stays.id, 'succeeded');
    expect((await client.cluster(cluster.id)).resources.allocated).toEqual(none);
  } finally {
    record.stop();
    await proxy.mend();
    await service.stop();
    await proxy.close();
  }
});

/** One final event each, of the first attempt. */
async function expectEndedOnce(
  service: TestService,
  client: Client,
  deployments: readonly Deployment[],
): Promise<void> {
  await service.eventsTold();
  for (const { id } of deployments) {
    const types = (await client.eventsOf(id)).map((event) => event.type);
    const ends = types.filter((type) => /^deployment\.(succeeded|failed|cancelled)$/.test(type));
    expect(ends, `${id}: ${types.join(' ')}`).toHaveLength(1);
    expect(types.filter((type) => type === 'deployment.admitted')).toHaveLength(1);
  }
}
