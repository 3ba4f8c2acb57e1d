/** Arrays and chains of dependencies with real containers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Client,
  type Cluster,
  type Deployment,
  type DeploymentInput,
  newOwner,
  until,
} from '../conformance/client.ts';
import { type EnginePort, requireEngine } from '../support/engine-port.ts';
import { type SpawnedService, spawnTestService } from '../support/service.ts';

let service: SpawnedService;
let owner: Client;
let cluster: Cluster;
let engine: EnginePort;

beforeAll(async () => {
  engine = requireEngine();
  service = await spawnTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ runtime: 'docker', ram: 0.5, cpu: 1, gpu: 0 });
});
afterAll(() => service.stop());

function script(text: string, input: DeploymentInput = {}): DeploymentInput {
  const needs = { ram_required: 0.032, cpu_required: 0.1, pull_policy: 'never' as const, stop_grace_s: 0 };
  return { kind: 'job', docker_image: engine.image, command: ['sh', '-c', text], ...needs, ...input };
}

test('each element of an array finds its number, the count and the array in its environment', async () => {
  const tell =
    'echo "$HYPERVISOR_ARRAY_INDEX of $HYPERVISOR_ARRAY_COUNT in $HYPERVISOR_ARRAY_ID"; exit $HYPERVISOR_ARRAY_INDEX';
  const first = await owner.submit(cluster.id, script(tell, { name: 'tell', count: 3, array_parallel: 2 }));
  const array = first.array!.id;
  const elements = await until('all have ended', async () => {
    const all = await owner.all<Deployment>(`/deployments?array_id=${array}&sort=created_at`);
    return all.every(({ status }) => status === 'succeeded' || status === 'failed') && all;
  });
  expect(elements.map(({ status, exit_code: code }) => [status, code])).toEqual([
    ['succeeded', 0],
    ['failed', 1],
    ['failed', 2],
  ]);
  for (const [index, { id }] of elements.entries()) {
    const log = await (await owner.fetch(`/api/v1/deployments/${id}/logs`)).text();
    expect(log.trim()).toBe(`${index} of 3 in ${array}`);
  }
});

test('a chain survives `kill -9` of the control plane at every step: none runs early, none is lost', async () => {
  const step = (name: string, needs: string[], text = 'sleep 0.3') =>
    script(text, { name, depends_on: needs.map((deployment) => ({ deployment })) });
  const made = await owner.submitAll(cluster.id, [
    step('fetch', []),
    step('build', ['fetch']),
    step('check', ['fetch'], 'exit 4'),
    step('ship', ['build', 'check']),
    step('tell', ['ship']),
    script('true', { name: 'tidy', depends_on: [{ deployment: 'ship', condition: 'any' }] }),
  ]);
  for (let kill = 0; kill < 5; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await service.kill();
    await service.restart();
  }
  const ended = new Map<string, Deployment>();
  for (const { id, name } of made) ended.set(name, await owner.became(id, 'succeeded', 'failed', 'skipped'));
  expect(Object.fromEntries([...ended].map(([name, { status }]) => [name, status]))).toEqual({
    fetch: 'succeeded',
    build: 'succeeded',
    check: 'failed',
    ship: 'skipped',
    tell: 'skipped',
    tidy: 'succeeded',
  });
  expect(ended.get('tell')?.reason).toBe(
    'check failed (exited with 4), so ship was skipped, and tell needed it to succeed',
  );
  const at = (name: string, time: 'admitted_at' | 'finished_at') => Date.parse(ended.get(name)![time]!);
  for (const next of ['build', 'check'])
    expect(at(next, 'admitted_at')).toBeGreaterThanOrEqual(at('fetch', 'finished_at'));
  await service.eventsTold();
  for (const { id } of made) {
    const types = (await owner.eventsOf(id)).map(({ type }) => type);
    const ends = types.filter((type) =>
      ['deployment.succeeded', 'deployment.failed', 'deployment.skipped'].includes(type),
    );
    expect(ends, types.join(' ')).toHaveLength(1);
    expect(types.filter((type) => type === 'deployment.released').length).toBeLessThanOrEqual(1);
  }
});
