/** Health checks from end to end: what is looked at is starting, then ready, and said to be unhealthy when it is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, type Cluster, type DeploymentInput, newOwner, until } from '../conformance/client.ts';
import { type EnginePort, requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
let engine: EnginePort;
let simulated: Cluster;
let docker: Cluster;
beforeAll(async () => {
  engine = requireEngine();
  service = await startTestService();
  owner = await newOwner(service.url);
  simulated = await owner.createCluster({ ram: 1000, cpu: 1000 });
  docker = await owner.createCluster({ runtime: 'docker' });
});
afterAll(() => service.stop());

const everySecond = { tcp: { port: 80 }, interval_s: 1, timeout_s: 1, retries: 1 };
/** For so long that it is looked at meanwhile, however busy the machine is. */
const wellForAWhile = { SIM_UNWELL_AFTER_MS: '20000' };

/** Waits until its replicas are found to be so, in their order. */
function found(id: string, ...healths: (string | null)[]) {
  return until(`${id} is ${healths.join(', ')}`, async () => {
    const deployment = await owner.deployment(id);
    const { replica_states: replicas } = deployment;
    return JSON.stringify(replicas.map(({ health }) => health)) === JSON.stringify(healths) && deployment;
  });
}

async function healthEvents(id: string): Promise<string[]> {
  await service.eventsTold();
  return (await owner.eventsOf(id))
    .filter(({ type }) => /^replica\.(un)?healthy$/.test(type))
    .map(({ message }) => message);
}

describe('a health check', () => {
  test('is answered as it was given, with what was left out', async () => {
    const { id, health_check: answered } = await owner.submit(simulated.id, {
      health_check: { http: { port: 8080 }, start_period_s: 30 },
    });
    const whole = {
      http: { port: 8080, path: '/', expect_status: null },
      tcp: null,
      command: null,
      interval_s: 10,
      timeout_s: 5,
      retries: 3,
      start_period_s: 30,
    };
    expect(answered).toEqual(whole);
    expect((await owner.deployment(id)).health_check).toEqual(whole);
  });

  test('none: whoever runs is ready', async () => {
    const { id } = await owner.submit(simulated.id, { replicas: 2 });
    expect(await owner.became(id, 'running')).toMatchObject({
      health_check: null,
      ready_replicas: 2,
      replica_states: [
        { ready: true, health: null, health_message: null },
        { ready: true, health: null, health_message: null },
      ],
    });
  });

  test('found well, each replica is ready, and an event says so once', async () => {
    const { id } = await owner.submit(simulated.id, { replicas: 2, health_check: everySecond });
    const deployment = await found(id, 'healthy', 'healthy');
    expect(deployment).toMatchObject({ ready_replicas: 2, replica_states: [{ ready: true }, { ready: true }] });
    const listed = await owner.all<{ id: string; ready_replicas: number }>('/deployments');
    expect(listed.find((one) => one.id === id)?.ready_replicas).toBe(2);
    expect((await healthEvents(id)).toSorted()).toEqual([
      'replica 0 is healthy: it is well',
      'replica 1 is healthy: it is well',
    ]);
  });

  test('one that is not up yet is starting, says what is missing, and is not ready', async () => {
    const env = { SIM_WELL_AFTER_MS: '3600000' };
    const check = { ...everySecond, start_period_s: 3600 };
    const { id } = await owner.submit(simulated.id, { env, health_check: check });
    const deployment = await until('it was looked at', async () => {
      const seen = await owner.deployment(id);
      return seen.replica_states[0]?.health_message !== null && seen.status === 'running' && seen;
    });
    expect(deployment).toMatchObject({
      ready_replicas: 0,
      replica_states: [{ ready: false, health: 'starting', health_message: 'it is not up yet' }],
    });
    expect(await healthEvents(id)).toEqual([]);
  });

  test('a job that is not well any more is marked, and runs on', async () => {
    const { id } = await owner.submit(simulated.id, { kind: 'job', env: wellForAWhile, health_check: everySecond });
    // That it was healthy before, its events tell.
    const deployment = await found(id, 'unhealthy');
    expect(deployment).toMatchObject({
      status: 'running',
      ready_replicas: 0,
      replica_states: [{ status: 'running', ready: false, health_message: 'it is not well any more' }],
    });
    expect(await healthEvents(id)).toEqual(['it is healthy: it is well', 'it is unhealthy: it is not well any more']);
  });
});

describe('a service that is unhealthy', () => {
  test('is started again by its restart policy, in its place, and the reason says why', async () => {
    const { id } = await owner.submit(simulated.id, { env: wellForAWhile, health_check: everySecond });
    const deployment = await until('its next run', async () => {
      const seen = await owner.deployment(id);
      return (seen.replica_states[0]?.run ?? 1) > 1 && seen.ready_replicas === 1 && seen;
    });
    expect(deployment).toMatchObject({ status: 'running', attempt: 1 });
    await service.eventsTold();
    const told = (await owner.eventsOf(id)).find(({ type }) => type === 'replica.restarting');
    expect(told?.message).toContain('was unhealthy: it is not well any more');
    expect(told?.data).toMatchObject({ reason_code: 'unhealthy' });
  });

  test('is only marked where it is never started again', async () => {
    const restart = { policy: 'never' } as const;
    const env = { SIM_UNWELL_AFTER_MS: '1500' };
    const { id } = await owner.submit(simulated.id, { env, restart, health_check: everySecond });
    expect(await found(id, 'unhealthy')).toMatchObject({ status: 'running', replica_states: [{ run: 1 }] });
  });
});

describe('on a Docker Engine', () => {
  const server: DeploymentInput = {
    pull_policy: 'never',
    ram_required: 0.032,
    cpu_required: 0.2,
    stop_grace_s: 0,
    command: ['sh', '-c', 'mkdir /www; echo well > /www/index.html; exec httpd -f -p 8080 -h /www'],
  };

  test.each<[string, DeploymentInput['health_check']]>([
    ['HTTP', { http: { port: 8080 }, interval_s: 1 }],
    ['TCP', { tcp: { port: 8080 }, interval_s: 1 }],
    ['a command', { command: ['wget', '-q', '-O', '-', 'http://127.0.0.1:8080/'], interval_s: 1 }],
  ])('a web server is ready, by %s', async (_, check) => {
    const { id } = await owner.submit(docker.id, { ...server, docker_image: engine.image, health_check: check });
    expect(await found(id, 'healthy')).toMatchObject({ ready_replicas: 1 });
    await owner.stop(id);
    await owner.became(id, 'succeeded');
  });

  test('a web server that breaks is unhealthy, is started again, and is ready again', async () => {
    // The page goes away when it is told to; the next run is a container of its own, and has it again.
    const goes = 'until [ -e /tmp/break ]; do sleep 0.1; done; rm /www/ready';
    const command = ['sh', '-c', `mkdir /www; echo well > /www/ready; (${goes}) & exec httpd -f -p 8080 -h /www`];
    // On a busy machine it takes its time to be up, and to answer.
    const slowly = { start_period_s: 60, timeout_s: 60 };
    const check = { http: { port: 8080, path: '/ready' }, interval_s: 1, retries: 1, ...slowly };
    const { id } = await owner.submit(docker.id, {
      ...server,
      docker_image: engine.image,
      command,
      health_check: check,
    });
    await found(id, 'healthy');
    const [container] = await engine.containersOf([id]);
    const told = await engine.docker.getContainer(container!.id).exec({ Cmd: ['touch', '/tmp/break'] });
    await told.start({ Detach: true });
    await until('its next run is ready', async () => {
      const { replica_states: replicas, ready_replicas: ready } = await owner.deployment(id);
      return (replicas[0]?.run ?? 1) > 1 && ready === 1;
    });
    expect((await healthEvents(id)).slice(0, 2)).toEqual([
      'it is healthy: GET /ready on port 8080 was answered with 200',
      'it is unhealthy: GET /ready on port 8080 was answered with 404, not with one from 200 to 399',
    ]);
    await owner.stop(id);
  });
});
