import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdRegularPasses, startTestService, type TestService } from '../support/service.ts';
import { type Client, type Deployment, type DeploymentDetail, newOwner, type PassResult, until } from './client.ts';

let service: TestService;
let owner: Client;
beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const waitedFor = (deployment: Deployment, seconds: number) =>
  until(
    `${deployment.id} has waited ${seconds} s`,
    async () => Date.now() - Date.parse(deployment.queued_at) > seconds * 1000,
  );

test('38. waited past the interval and allocatable: promoted, visibly, in answer and event', async () => {
  // The regular pass may come before the trigger: then the answer is not the trigger's, and it is tried again.
  const { pass, old, fresh } = await until('the trigger admits', async () => {
    const cluster = await owner.createCluster({ ram: 8, policy: { aging_interval_s: 0.5 } });
    await owner.setSchedulable(cluster.id, false);
    const first = await owner.submit(cluster.id, { ram_required: 8, priority: 50 });
    await waitedFor(first, 1.2);
    const second = await owner.submit(cluster.id, { ram_required: 8, priority: 49 });
    await holdRegularPasses(service, cluster.id, () => owner.schedule(cluster.id));
    await service.sql('update node set schedulable = true where cluster_id = $1', [cluster.id]);
    const answer = await owner.schedule(cluster.id);
    return answer.admitted === 1 && { pass: answer, old: first, fresh: second };
  });
  expect(pass.promoted).toBe(1);
  const placed = pass.decisions.find((one) => one.deployment_id === old.id);
  expect(placed).toMatchObject({ decision: 'place', priority: 50, promoted: true, position: 1 });
  const effective = placed!.effective_priority;
  expect(effective).toBeLessThanOrEqual(48);
  // It went before a higher one that is younger, and keeps the priority that its user gave it.
  await owner.became(old.id, 'running');
  expect(await owner.deployment(old.id)).toMatchObject({ priority: 50 });
  expect((await owner.deployment(fresh.id)).status).toBe('queued');

  await service.eventsTold();
  const events = await owner.eventsOf(old.id);
  const promoted = events.find((event) => event.type === 'deployment.promoted');
  expect(promoted?.message).toContain('50');
  expect(promoted?.message).toContain(String(effective));
  expect(promoted?.data).toMatchObject({ priority: 50, effective_priority: effective });
  expect(events.find((event) => event.type === 'deployment.admitted')?.data).toMatchObject({
    promoted: true,
    effective_priority: effective,
  });
});

test('39. past the interval, not allocatable: not promoted', async () => {
  const cluster = await owner.createCluster({ ram: 8, policy: { aging_interval_s: 0.3 } });
  const blocker = await owner.submit(cluster.id, { ram_required: 8 });
  await owner.became(blocker.id, 'running');
  const waiting = await owner.submit(cluster.id, { ram_required: 1 });
  await waitedFor(waiting, 1);
  const pass = await owner.schedule(cluster.id);
  expect(pass).toMatchObject({ admitted: 0, promoted: 0 });
  expect(pass.decisions).toMatchObject([{ decision: 'wait', deployment_id: waiting.id, promoted: false }]);
  expect((await owner.deployment(waiting.id)).waiting).toMatchObject({ promoted: false });
  expect((await owner.deployment(waiting.id)).priority).toBe(50);
  expect(await promotionsOf(waiting)).toEqual([]);
});

test('40. below the interval: unchanged; promotion is bounded; repeated triggers do not inflate it', async () => {
  const slow = await owner.createCluster({ ram: 8, policy: { aging_interval_s: 3600 } });
  const young = await owner.submit(slow.id, { ram_required: 8 });
  await owner.became(young.id, 'running');
  expect(await promotionsOf(young)).toEqual([]);
  expect(await admissionOf(young)).toMatchObject({ priority: 50, effective_priority: 50, promoted: false });

  // Twenty intervals would raise 3 far above 1.
  const quick = await owner.createCluster({ ram: 8, policy: { aging_interval_s: 0.05 } });
  await owner.setSchedulable(quick.id, false);
  const high = await owner.submit(quick.id, { ram_required: 4, priority: 3 });
  await waitedFor(high, 1);
  await owner.setSchedulable(quick.id, true);
  await owner.became(high.id, 'running');
  expect(await admissionOf(high)).toMatchObject({ priority: 3, effective_priority: 1, promoted: true });

  const interval = 1;
  const cluster = await owner.createCluster({ ram: 8, policy: { aging_interval_s: interval } });
  await owner.setSchedulable(cluster.id, false);
  const much = await owner.submit(cluster.id, { ram_required: 4 });
  await waitedFor(much, 1.1 * interval);
  const passes: PassResult[] = [];
  for (let i = 0; i < 30; i += 1) passes.push(await owner.schedule(cluster.id));
  expect(passes.every((pass) => pass.promoted === 0)).toBe(true);
  await owner.setSchedulable(cluster.id, true);
  const admitted: DeploymentDetail = await owner.became(much.id, 'running');
  const waited = (Date.parse(admitted.admitted_at!) - Date.parse(admitted.queued_at)) / 1000;
  const { effective_priority: effective } = (await admissionOf(much)) as { effective_priority: number };
  expect(effective).toBeLessThanOrEqual(49);
  expect(effective).toBeGreaterThanOrEqual(50 - Math.floor((waited + 0.01) / interval));
  expect(await promotionsOf(much)).toHaveLength(1);
  // Retried, it is young again.
  await owner.stop(much.id);
  await owner.became(much.id, 'succeeded');
  await owner.setSchedulable(cluster.id, false);
  const again = await owner.call<Deployment>('POST', `/deployments/${much.id}/retry`);
  expect(Date.parse(again.queued_at)).toBeGreaterThan(Date.parse(admitted.queued_at));
});

test('41. no deployment starves under an endless stream of smaller, higher-priority ones', async () => {
  const cluster = await owner.createCluster({ ram: 32, cpu: 4, policy: { reservation_after_s: 1 } });
  const small = { kind: 'job', cpu_required: 1, priority: 1, env: { SIM_RUN_MS: '300' } } as const;
  let flowing = true;
  let finished = 0;
  const stream = async () => {
    while (flowing) {
      const { queued } = (await owner.cluster(cluster.id)).deployments;
      if (queued < 12)
        await owner.submitAll(
          cluster.id,
          Array.from({ length: 8 }, () => small),
        );
      finished = (await owner.get<{ items: unknown[] }>(`/deployments?cluster_id=${cluster.id}&status=succeeded`)).items
        .length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const streaming = stream();
  streaming.catch(() => undefined);
  try {
    await until('the stream fills the cluster', async () => finished >= 4);
    // Needs the whole cluster, which under the stream is never empty by itself.
    const big = await owner.submit(cluster.id, { kind: 'service', cpu_required: 4, priority: 100 });
    await until('it is passed over for long enough to get a reservation', async () => {
      const { status, waiting } = await owner.deployment(big.id);
      return status !== 'queued' || waiting?.reservation != null;
    });
    await owner.became(big.id, 'running');
    // The stream went on all the time, and goes on once the big one makes room.
    const before = finished;
    await owner.stop(big.id);
    await until('the stream goes on', async () => finished > before || finished >= 100);
  } finally {
    flowing = false;
    await streaming;
  }
});

async function promotionsOf(deployment: Deployment): Promise<unknown[]> {
  await service.eventsTold();
  return (await owner.eventsOf(deployment.id)).filter((event) => event.type === 'deployment.promoted');
}

async function admissionOf(deployment: Deployment): Promise<unknown> {
  await service.eventsTold();
  return (await owner.eventsOf(deployment.id)).find((event) => event.type === 'deployment.admitted')?.data;
}
