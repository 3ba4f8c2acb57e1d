/** What is started again: services in their place, jobs as another attempt. With real containers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EnginePort, requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type Client, type Cluster, type DeploymentDetail, type DeploymentInput, newOwner, until } from './client.ts';

let service: TestService;
let owner: Client;
let engine: EnginePort;
let cluster: Cluster;
beforeAll(async () => {
  engine = requireEngine();
  service = await startTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ runtime: 'docker', ram: 0.5, cpu: 2, gpu: 0 });
});
afterAll(() => service.stop());

const forever = 'while :; do sleep 1; done';

function script(text: string, input: DeploymentInput = {}): DeploymentInput {
  return {
    kind: 'job',
    docker_image: engine.image,
    command: ['sh', '-c', text],
    ram_required: 0.032,
    cpu_required: 0.1,
    pull_policy: 'never',
    stop_grace_s: 0,
    ...input,
  };
}

async function replicaIs(
  id: string,
  is: Partial<DeploymentDetail['replica_states'][number]>,
): Promise<DeploymentDetail> {
  return until(`replica 0 of ${id} is ${JSON.stringify(is)}`, async () => {
    const deployment = await owner.deployment(id);
    const [replica] = deployment.replica_states;
    const isSo = Object.entries(is).every(([name, value]) => replica?.[name as keyof typeof replica] === value);
    return isSo && deployment;
  });
}

async function allocationsOf(id: string) {
  return service.sql(
    'select node_id, ram, cpu, gpu, device_indexes, created_at from allocation where deployment_id = $1',
    [id],
  );
}

async function typesOf(id: string, prefix: string): Promise<string[]> {
  await service.eventsTold();
  return (await owner.eventsOf(id)).map(({ type }) => type).filter((type) => type.startsWith(prefix));
}

async function logOf(id: string, query: string): Promise<string> {
  return (await owner.fetch(`/api/v1/deployments/${id}/logs?${query}`)).text();
}

/** Ends the container's program as the kernel would for want of memory, or an operator by mistake. */
async function killContainerOf(id: string): Promise<void> {
  const container = (await engine.containersOf([id])).find(({ state }) => state === 'running');
  const { State } = await engine.docker.getContainer(container!.id).inspect();
  process.kill(State.Pid, 'SIGKILL');
}

describe('a service', () => {
  test('whose container is killed is started again in its place, and keeps what it holds', async () => {
    const { id } = await owner.submit(
      cluster.id,
      script(`echo "run $HYPERVISOR_RUN"; ${forever}`, { kind: 'service' }),
    );
    await owner.became(id, 'running');
    const held = await allocationsOf(id);
    const became = await typesOf(id, 'deployment.');
    await killContainerOf(id);

    // It waits for a second only: what was then is told by its events, and by what it holds since before.
    const again = await replicaIs(id, { status: 'running', run: 2 });
    expect(again).toMatchObject({ status: 'running', attempt: 1 });
    expect(again.replica_states[0]).toMatchObject({ restarts: 1, next_start_at: null });
    expect(await allocationsOf(id)).toEqual(held);
    expect(await typesOf(id, 'deployment.')).toEqual(became);
    expect(await typesOf(id, 'replica.')).toEqual(['replica.restarting', 'replica.restarted']);
    const restarting = (await owner.eventsOf(id)).find(({ type }) => type === 'replica.restarting');
    expect(restarting?.data).toMatchObject({
      attempt: 1,
      replica: 0,
      run: 1,
      restarts: 1,
      exit_code: 137,
      starts_in_s: 1,
    });
    await until('the log of the first run is kept', async () => (await logOf(id, 'run=1')) === 'run 1\n');
    await until('the second run writes', async () => (await logOf(id, '')) === 'run 2\n');
    expect((await owner.ask('GET', `/deployments/${id}/logs?run=3`)).status).toBe(404);
    await until('only the second container is left', async () => {
      const containers = await engine.containersOf([id]);
      return containers.length === 1 && containers[0]?.name.endsWith(`${id}-1-0-2`);
    });
    await owner.stop(id);
    await owner.became(id, 'succeeded');
    expect(await allocationsOf(id)).toEqual([]);
  });

  test('that is stopped while it waits for its next start ends at once, and frees what it held', async () => {
    const { id } = await owner.submit(cluster.id, script('exit 3', { kind: 'service' }));
    // The wait doubles: some time it is long enough to be seen, and to be stopped in. One reading sees the deployment a moment
    // earlier than its replicas.
    const waits = await until('it waits for its next start', async () => {
      const deployment = await owner.deployment(id);
      const [replica] = deployment.replica_states;
      const isWaiting = replica?.status === 'restarting' && deployment.reason_code === 'restarting';
      return isWaiting && replica.restarts_in_row >= 3 && deployment;
    });
    expect(waits).toMatchObject({ status: 'running', attempt: 1 });
    expect(waits.replica_states[0]).toMatchObject({ exit_code: 3, next_start_at: expect.any(String) });
    await owner.stop(id);
    const stopped = await owner.became(id, 'succeeded');
    expect(stopped).toMatchObject({ reason_code: 'stopped' });
    expect(stopped.replica_states[0]).toMatchObject({ status: 'ended', next_start_at: null });
    expect(await allocationsOf(id)).toEqual([]);
    await until('no container is left', async () => (await engine.containersOf([id])).length === 0);
  });

  test('that may be started again twice fails the third time, and says why', async () => {
    const restart = { policy: 'always', max_restarts: 2 } as const;
    const { id } = await owner.submit(cluster.id, script('exit 3', { kind: 'service', restart }));
    const failed = await owner.became(id, 'failed');
    expect(failed).toMatchObject({ reason_code: 'restarts_used_up', exit_code: 3, attempt: 1 });
    expect(failed.replica_states[0]).toMatchObject({ run: 3, restarts: 2 });
    expect(await allocationsOf(id)).toEqual([]);
  });

  test('of two replicas goes on with the one while the other is started again', async () => {
    const text = `[ "$HYPERVISOR_REPLICA/$HYPERVISOR_RUN" = 1/1 ] && exit 5; ${forever}`;
    const { id } = await owner.submit(cluster.id, script(text, { kind: 'service', replicas: 2 }));
    const running = await until('the second replica runs again', async () => {
      const deployment = await owner.deployment(id);
      const runs = deployment.replica_states.map(({ status, run }) => `${status} ${run}`);
      return runs.join() === 'running 1,running 2' && deployment;
    });
    expect(running.status).toBe('running');
    await owner.stop(id);
    await owner.became(id, 'succeeded');
  });
});

describe('a job', () => {
  test('that fails is tried again in its place in the queue, and succeeds when an attempt does', async () => {
    const retry = { limit: 5, exit_codes: [7] };
    const text = '[ "$HYPERVISOR_ATTEMPT" = 3 ] || exit 7';
    const made = await owner.submit(cluster.id, script(text, { retry }));
    const done = await until('it has succeeded', async () => {
      const deployment = await owner.deployment(made.id);
      return deployment.status === 'succeeded' && deployment;
    });
    expect(done).toMatchObject({ attempt: 3, retries_used: 2, queued_at: made.queued_at, exit_code: 0 });
    await service.eventsTold();
    const requeued = (await owner.eventsOf(made.id)).filter(({ type }) => type === 'deployment.requeued');
    expect(requeued.map(({ data }) => data)).toMatchObject([
      { failed: { attempt: 1, reason_code: 'exit_nonzero', exit_code: 7 }, retries_left: 4 },
      { failed: { attempt: 2, reason_code: 'exit_nonzero', exit_code: 7 }, retries_left: 3 },
    ]);
    expect(await allocationsOf(made.id)).toEqual([]);
  });

  test('that ran out of memory is tried again; with an exit code that is not worth it, it fails', async () => {
    // Not at once: an engine misses what ran out of memory before it listened.
    const hungry = `sleep 5; exec awk 'BEGIN { x = "0123456789abcdef"; while (1) x = x x }'`;
    const text = `[ "$HYPERVISOR_ATTEMPT" = 1 ] || exit 9; ${hungry}`;
    const { id } = await owner.submit(cluster.id, script(text, { retry: { limit: 5, exit_codes: [7] } }));
    expect(await owner.became(id, 'failed')).toMatchObject({ attempt: 2, retries_used: 1, exit_code: 9 });
  });

  test('of several replicas is tried again as a whole', async () => {
    const text = `[ "$HYPERVISOR_ATTEMPT/$HYPERVISOR_REPLICA" = 1/1 ] && exit 7; [ "$HYPERVISOR_ATTEMPT" = 2 ] || ${forever}`;
    const { id } = await owner.submit(cluster.id, script(text, { replicas: 2, retry: { limit: 1 } }));
    const done = await owner.became(id, 'succeeded');
    expect(done).toMatchObject({ attempt: 2, retries_used: 1 });
    expect(await allocationsOf(id)).toEqual([]);
  });

  test('that a person stops is not tried again', async () => {
    const { id } = await owner.submit(cluster.id, script(`trap 'exit 3' TERM; ${forever}`, { retry: { limit: 5 } }));
    await owner.became(id, 'running');
    await owner.stop(id);
    expect(await owner.became(id, 'cancelled')).toMatchObject({ attempt: 1, retries_used: 0 });
  });

  test.each([
    ['SIGINT', `trap 'exit 0' INT; ${forever}`, 60, 'ended within its grace of 60 s'],
    ['SIGTERM', `trap '' TERM; ${forever}`, 1, 'was killed after its grace of 1 s'],
  ] as const)('that reaches its time limit is told so by %s, and says how it ended', async (...given) => {
    const [stop_signal, text, stop_grace_s, how] = given;
    // Long enough for its trap to be set, on a busy machine too.
    const { id } = await owner.submit(cluster.id, script(text, { time_limit_s: 10, stop_signal, stop_grace_s }));
    const failed = await owner.became(id, 'failed');
    expect(failed.reason_code).toBe('time_limit');
    expect(failed.reason).toBe(`ran longer than its time limit of 10 s, and ${how}`);
  });
});
