/** An image vanishes from the engine: between two deployments that use it, and under a service that has to be started again. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, newOwner, unique, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';

const engine = requireEngine();
let service: TestService;
let client: Client;
beforeAll(async () => {
  service = await startTestService();
  client = await newOwner(service.url);
});
afterAll(() => service?.stop());

const stays = ['sh', '-c', `trap 'exit 0' TERM; while :; do sleep 0.1; done`];

/** Another name for the small image, which may be taken away. */
async function nameImage(): Promise<{ image: string; takeAway: () => Promise<void>; giveBack: () => Promise<void> }> {
  const [repo, tag] = [unique('vanishing'), '1'];
  const giveBack = async () => {
    await engine.docker.getImage(engine.image).tag({ repo, tag });
  };
  const takeAway = async () => {
    await engine.docker.getImage(`${repo}:${tag}`).remove({ force: true });
  };
  await giveBack();
  return { image: `${repo}:${tag}`, takeAway, giveBack };
}

const small = { ram_required: 0.032, cpu_required: 0.1, pull_policy: 'never' as const, stop_grace_s: 5 };

test('what runs goes on without its image; what comes after it fails, says why, and holds nothing', async () => {
  const { image, takeAway } = await nameImage();
  const cluster = await client.createCluster({ runtime: 'docker', ram: 0.032, cpu: 0.1, gpu: 0 });
  const job = { kind: 'job' as const, docker_image: image, command: stays, ...small };
  const first = await client.submit(cluster.id, job);
  await client.became(first.id, 'running');
  const second = await client.submit(cluster.id, job);
  await takeAway();
  expect(await client.deployment(first.id)).toMatchObject({ status: 'running' });
  await client.stop(first.id);
  await client.became(first.id, 'cancelled', 'succeeded');
  const failed = await client.became(second.id, 'failed');
  expect(failed).toMatchObject({ reason_code: 'image_not_found', attempt: 1 });
  expect(failed.reason).toContain(image);
  await until('nothing is held', async () => (await client.cluster(cluster.id)).resources.allocated.cpu === 0);
  expect(await engine.containersOf([second.id])).toEqual([]);
});

test('a service that is to be started again without its image keeps its place, says why, and goes on when it is back', async () => {
  const { image, takeAway, giveBack } = await nameImage();
  const cluster = await client.createCluster({ runtime: 'docker', ram: 0.032, cpu: 0.1, gpu: 0 });
  const { id } = await client.submit(cluster.id, { docker_image: image, command: stays, ...small });
  await client.became(id, 'running');
  await takeAway();
  const [container] = await engine.containersOf([id]);
  await engine.docker.getContainer(container!.id).kill();
  const waiting = await until('its next start failed for want of the image', async () => {
    const deployment = await client.deployment(id);
    const [replica] = deployment.replica_states;
    return replica?.status === 'restarting' && /image/.test(replica.reason ?? '') && deployment;
  });
  expect(waiting).toMatchObject({ status: 'running', attempt: 1 });
  expect((await client.cluster(cluster.id)).resources.allocated.ram).toBe(0.032);
  await giveBack();
  await until('it runs again', async () => (await client.deployment(id)).replica_states[0]?.status === 'running');
  expect(await engine.containersOf([id])).toMatchObject([{ state: 'running' }]);
  await client.stop(id);
  await client.became(id, 'succeeded');
});
