/**
 * `kill -9` of the control plane, again and again at random moments, while short deployments with real containers run through:
 * each ends exactly once, none is lost, none is run twice, and nothing is held or left at the end.
 */
import { expect, test } from 'vitest';
import { type Client, type Deployment, newOwner, submission, unique, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { spawnTestService } from '../support/service.ts';

const kills = 30;
const deployments = 60;

test(`${kills} kills at random moments: every deployment ends exactly once`, { timeout: 800_000 }, async () => {
  const seed = Number(process.env['HYPERVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`kill test: HYPERVISOR_TEST_SEED=${seed}\n`);
  const random = mulberry32(seed);
  const engine = requireEngine();
  const service = await spawnTestService();
  const record = await engine.record();
  try {
    const client = await newOwner(service.url);
    const cluster = await client.createCluster({ runtime: 'docker', ram: 0.256, cpu: 0.8, gpu: 0 });
    const wanted = Array.from({ length: deployments }, (_, index) => {
      const code = Math.floor(random() * 3);
      const seconds = (0.1 + random() * 1.4).toFixed(1);
      return {
        code,
        key: unique(`kill-${index}`),
        body: submission(cluster.id, {
          name: `d${index}`,
          kind: 'job',
          docker_image: engine.image,
          command: ['sh', '-c', `sleep ${seconds}; exit ${code}`],
          ram_required: 0.032 * (1 + Math.floor(random() * 3)),
          cpu_required: 0.1,
          priority: 1 + Math.floor(random() * 100),
          pull_policy: 'never',
          stop_grace_s: 0,
        }),
      };
    });

    const made: Deployment[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      // What is being submitted when it dies is submitted again: the key makes it the same.
      const wave = wanted.slice(made.length, Math.ceil(((kill + 1) * deployments) / kills));
      const submitting = Promise.all(wave.map((one) => submitUntilAccepted(client, one.body, one.key)));
      submitting.catch(() => undefined);
      await pause(random() * 1200);
      await service.kill();
      // Every third time it is killed again on its way up.
      if (random() < 1 / 3) await service.startAndKill(200 + random() * 1500);
      await service.restart();
      made.push(...(await submitting));
    }

    const ids = made.map(({ id }) => id);
    expect(new Set(ids).size).toBe(deployments);
    await until(
      'all have ended',
      async () => {
        const { queued, active } = (await client.cluster(cluster.id)).deployments;
        return queued + active === 0;
      },
      { timeoutMs: 400_000, everyMs: 250 },
    );
    await until('no container is left', async () => (await engine.containersOf(ids)).length === 0);
    // The engine tells of a removal a moment after it.
    await until('the record is complete', async () => {
      const destroyed = record.events.filter(({ action }) => action === 'destroy');
      const created = record.events.filter(({ action }) => action === 'create');
      return (
        ids.every((id) => destroyed.some(({ deploymentId }) => deploymentId === id)) &&
        created.every((one) => destroyed.some(({ name }) => name === one.name))
      );
    });
    record.stop();

    // None lost, none that nobody asked for, each with the end that it was to have, told once.
    await service.eventsTold();
    const all = await client.all<Deployment>(`/deployments?cluster_id=${cluster.id}`);
    expect(all.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    for (const [index, { id }] of made.entries()) {
      const { code } = wanted[index]!;
      const status = code === 0 ? 'succeeded' : 'failed';
      const deployment = await client.deployment(id);
      expect(deployment, id).toMatchObject({ name: `d${index}`, status, exit_code: code, attempt: 1 });
      const types = (await client.eventsOf(id)).map((event) => event.type);
      const counts = ['submitted', 'admitted', 'succeeded', 'failed', 'cancelled', 'retried'].map(
        (type) => types.filter((one) => one === `deployment.${type}`).length,
      );
      expect(counts, `${id}: ${types.join(' ')}`).toEqual([1, 1, code === 0 ? 1 : 0, code === 0 ? 0 : 1, 0, 0]);
    }

    // The engine's own record: each was made once and run once.
    for (const action of ['create', 'start', 'die', 'destroy']) {
      const seen = record.events.filter((event) => event.action === action && ids.includes(event.deploymentId));
      expect(seen.map((event) => event.deploymentId).toSorted(), action).toEqual(ids.toSorted());
    }

    const { resources } = await client.cluster(cluster.id);
    expect(resources.allocated).toEqual({ ram: 0, cpu: 0, gpu: 0 });
    expect(await service.sql('select 1 from allocation')).toEqual([]);
    const counters = 'select 1 from node where (ram_allocated, cpu_allocated, gpu_allocated) <> (0, 0, 0)';
    expect(await service.sql(counters)).toEqual([]);
  } finally {
    record.stop();
    await service.stop();
  }
});

async function submitUntilAccepted(client: Client, body: unknown, key: string): Promise<Deployment> {
  return until(
    'it is accepted',
    async () => {
      const answer = await client
        .ask<Deployment>('POST', '/deployments', body, { 'idempotency-key': key })
        .catch(() => undefined);
      if (answer !== undefined && answer.status >= 400 && answer.status < 500) {
        throw new Error(`refused: ${JSON.stringify(answer.body)}`);
      }
      return answer !== undefined && answer.status < 300 && answer.body;
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Tommy Ettinger's Mulberry32: a small generator that a seed repeats. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
