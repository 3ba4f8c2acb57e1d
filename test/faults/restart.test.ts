/** The control plane dies while a service waits for its next start, and while the next run begins. */
import { expect, test } from 'vitest';
import { newOwner, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { spawnTestService } from '../support/service.ts';

test('a service is started again once for each failure, however often the control plane is killed in between', async () => {
  const engine = requireEngine();
  const service = await spawnTestService();
  const record = await engine.record();
  try {
    const client = await newOwner(service.url);
    const cluster = await client.createCluster({ runtime: 'docker', ram: 0.1, cpu: 1, gpu: 0 });
    const { id } = await client.submit(cluster.id, {
      kind: 'service',
      docker_image: engine.image,
      command: ['sh', '-c', '[ "$HYPERVISOR_RUN" -ge 4 ] || exit 3; while :; do sleep 1; done'],
      ram_required: 0.032,
      cpu_required: 0.1,
      pull_policy: 'never',
      stop_grace_s: 0,
    });
    const held = () => service.sql('select created_at from allocation where deployment_id = $1', [id]);
    const replica = async () => (await client.deployment(id)).replica_states[0];
    for (let restarts = 1; restarts <= 3; restarts += 1) {
      // While it waits for its next start; on a busy machine that may have come by then.
      await until(`it failed for the ${restarts}. time`, async () => ((await replica())?.restarts ?? 0) >= restarts);
      const before = await held();
      await service.kill();
      // Once more on its way up: where the next run is due by then.
      if (restarts > 1) await service.startAndKill(1500);
      await service.restart();
      expect(await held()).toEqual(before);
    }
    await until('the fourth run goes on', async () => {
      const now = await replica();
      return now?.status === 'running' && now.run === 4;
    });
    record.stop();
    for (const action of ['create', 'start']) {
      const names = record.events
        .filter((event) => event.action === action && event.deploymentId === id)
        .map(({ name }) => name);
      const runs = ['', '-2', '-3', '-4'].map((run) => `${id}-1-0${run}`);
      expect(
        names.map((name) => name.replace(/^hv-[^-]+-/, '')),
        action,
      ).toEqual(runs);
    }
    expect(await held()).toHaveLength(1);
    await client.stop(id);
    expect(await client.became(id, 'succeeded')).toMatchObject({ attempt: 1 });
    expect(await service.sql('select 1 from allocation')).toEqual([]);
  } finally {
    record.stop();
    await service.stop();
  }
});
