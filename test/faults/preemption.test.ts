/** `kill -9` while one is stopped for another: neither is lost, nothing runs twice, and what was stopped comes back. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { commitPreemptions } from '../../src/store/commit-preemptions.ts';
import { openDatabase } from '../../src/store/database.ts';
import { readSnapshot } from '../../src/store/snapshot.ts';
import { type Client, type Cluster, newOwner, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { spawnTestService } from '../support/service.ts';

const engine = requireEngine();

function whole(seconds: number, priority: number, name: string) {
  return {
    kind: 'job' as const,
    docker_image: engine.image,
    command: ['sh', '-c', `sleep ${seconds}`],
    ram_required: 0.064,
    cpu_required: 0.5,
    priority,
    name,
    pull_policy: 'never' as const,
    stop_grace_s: 0,
  };
}

function makeCluster(client: Client, enabled: boolean): Promise<Cluster> {
  const policy = { preemption: { enabled, min_run_time_s: 0 } };
  return client.createCluster({ runtime: 'docker', ram: 0.064, cpu: 0.5, gpu: 0, policy });
}

test('killed between the commit and the stop: the stop is found again after the restart', {
  timeout: 300_000,
}, async () => {
  const service = await spawnTestService();
  const db = openDatabase(service.databaseUrl);
  try {
    const client = await newOwner(service.url);
    const cluster = await makeCluster(client, false);
    const low = await client.submit(cluster.id, whole(600, 50, 'low'));
    await client.became(low.id, 'running');
    const urgent = await client.submit(cluster.id, whole(1, 10, 'urgent'));
    await service.kill();

    // What its last pass would have committed.
    await service.sql('update cluster set preemption = true, preemption_min_run_time_s = 0');
    const stopped = await db.transaction().execute(async (tx) => {
      const read = (await readSnapshot(tx, cluster.id, { lock: true }))!;
      const [holding] = read.snapshot.holdings;
      const { nodeId, resources, devices } = holding!;
      const victims = [{ deploymentId: low.id, priority: 50, lostWork: 1 }];
      return commitPreemptions(
        tx,
        read,
        [
          {
            kind: 'preempt',
            deploymentId: urgent.id,
            position: 1,
            priority: 10,
            effectivePriority: 10,
            promoted: false,
            placements: [{ replica: 0, nodeId, resources, devices }],
            receipt: { highestPriority: 50, lostWork: 1, victims, alternatives: [] },
          },
        ],
        randomUUID(),
      );
    });
    expect(stopped.stopped).toEqual([{ id: low.id, attempt: 1 }]);

    await service.restart();
    await client.became(urgent.id, 'succeeded');
    expect(await client.became(low.id, 'running')).toMatchObject({ attempt: 2, queued_at: low.queued_at });
    expect(await engine.containersOf([low.id])).toMatchObject([{ state: 'running' }]);
  } finally {
    await db.destroy();
    await service.stop();
  }
});

test('killed at random moments: each time the urgent one runs to its end, and the other starts again', {
  timeout: 600_000,
}, async () => {
  const service = await spawnTestService();
  try {
    const client = await newOwner(service.url);
    const cluster = await makeCluster(client, true);
    const low = await client.submit(cluster.id, whole(600, 50, 'low'));
    await client.became(low.id, 'running');
    const rounds = 6;
    for (let round = 1; round <= rounds; round += 1) {
      const urgent = await client.submit(cluster.id, whole(1, 10, `urgent-${round}`));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 600));
      await service.kill();
      await service.restart();
      await client.became(urgent.id, 'succeeded');
      expect(await client.became(low.id, 'running')).toMatchObject({ attempt: 1 + round });
    }
    await service.eventsTold();
    const types = (await client.eventsOf(low.id)).map(({ type }) => type);
    for (const type of ['preempted', 'requeued']) {
      expect(types.filter((one) => one === `deployment.${type}`)).toHaveLength(rounds);
    }
    await until('only its container is left', async () => {
      const all = await client.all<{ id: string }>(`/deployments?cluster_id=${cluster.id}`);
      return (await engine.containersOf(all.map(({ id }) => id))).length === 1;
    });
    expect(await service.sql('select 1 from claim')).toEqual([]);
    expect(await service.sql('select ram_allocated from node')).toEqual([{ ram_allocated: 64 }]);
  } finally {
    await service.stop();
  }
});
