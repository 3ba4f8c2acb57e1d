/** The control plane is killed again and again while a service is brought to another revision, and then to others back and forth. */
import { expect, test } from 'vitest';
import { type DeploymentDetail, newOwner, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { spawnTestService } from '../support/service.ts';

const kills = 6;
const left = (of: DeploymentDetail) => of.replica_states.filter(({ status }) => status !== 'ended');

test(`an update comes to its end over ${kills} kills, with nothing held twice and no run made twice`, async () => {
  const seed = Number(process.env['HYPERVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`update test: HYPERVISOR_TEST_SEED=${seed}\n`);
  let state = seed;
  // Park and Miller's generator: a seed repeats it.
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const engine = requireEngine();
  const service = await spawnTestService();
  const record = await engine.record();
  try {
    const client = await newOwner(service.url);
    const node = { ram: 0.3, cpu: 1 };
    const nodes = ['a', 'b'].map((name) => ({ name, ...node }));
    const cluster = await client.createCluster({ runtime: 'docker', nodes });
    const { id } = await client.submit(cluster.id, {
      kind: 'service',
      docker_image: engine.image,
      command: ['sh', '-c', 'while :; do sleep 1; done'],
      ram_required: 0.032,
      cpu_required: 0.1,
      replicas: 3,
      pull_policy: 'never',
      stop_grace_s: 0,
      update: { min_ready_s: 0 },
    });
    await client.became(id, 'running');
    const over = 'select name from node where ram_allocated > ram or cpu_allocated > cpu';
    for (let kill = 0; kill < kills; kill += 1) {
      const body =
        kill % 2 === 0
          ? { env_set: { V: String(kill) }, ram_required: 0.064 }
          : { ram_required: 0.032, replicas: 2 + kill };
      await client.call('POST', `/deployments/${id}/update`, body);
      await new Promise((resolve) => setTimeout(resolve, random() * 2500));
      await service.kill();
      expect(await service.sql(over)).toEqual([]);
      if (random() < 1 / 3) await service.startAndKill(500 + random() * 2000);
      await service.restart();
    }
    const done = await until('the last update is done', async () => {
      const now = await client.deployment(id);
      return !now.updating && now;
    });
    expect(done).toMatchObject({ status: 'running', attempt: 1, revision: kills + 1, stable_revision: kills + 1 });
    expect(left(done).map(({ index, status, revision }) => [index, status, revision])).toEqual(
      Array.from({ length: kills + 1 }, (_, index) => [index, 'running', kills + 1]),
    );
    const held = await service.sql<{ replica: number; ram: number; next: boolean }>(
      'select replica, ram, next from allocation where deployment_id = $1 order by replica',
      [id],
    );
    expect(held).toEqual(Array.from({ length: kills + 1 }, (_, replica) => ({ replica, ram: 32, next: false })));
    expect(await service.sql(over)).toEqual([]);
    await until('each replica has one container', async () => (await engine.containersOf([id])).length === kills + 1);
    record.stop();
    const made = record.events
      .filter((event) => event.action === 'create' && event.deploymentId === id)
      .map(({ name }) => name);
    expect(made.length).toBe(new Set(made).size);
    await client.stop(id);
    await client.became(id, 'succeeded');
    expect(await service.sql('select 1 from allocation')).toEqual([]);
    const counters = 'select 1 from node where (ram_allocated, cpu_allocated, gpu_allocated) <> (0, 0, 0)';
    expect(await service.sql(counters)).toEqual([]);
  } finally {
    record.stop();
    await service.stop();
  }
});
