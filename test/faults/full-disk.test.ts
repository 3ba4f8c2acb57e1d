import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, newOwner, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { openSmallDisk, type SmallDisk } from '../support/small-disk.ts';

const engine = requireEngine();
let service: TestService;
let disk: SmallDisk;
let owner: Client;

beforeAll(async () => {
  service = await startTestService();
  disk = await openSmallDisk(process.env['HYPERVISOR_TEST_DATABASE_URL'] ?? '', 1024 ** 2);
  // What is logged is on a disk of its own.
  await disk.hold(service.databaseUrl, 'replica_log');
  owner = await newOwner(service.url);
});
afterAll(async () => {
  await service?.stop();
  await disk?.remove();
});

test('where the disk has no room for a log, the end is told, the log is read from its container, and kept once there is room', async () => {
  const cluster = await owner.createCluster({ runtime: 'docker', ram: 8, cpu: 8 });
  await disk.fill();
  const { id } = await owner.submit(cluster.id, {
    kind: 'job',
    docker_image: engine.image,
    command: ['sh', '-c', 'echo what it wrote'],
    ram_required: 0.05,
    cpu_required: 0.25,
  });
  await owner.became(id, 'succeeded');
  const log = () => owner.get<string>(`/deployments/${id}/logs`);
  const kept = async () => (await service.sql('select 1 from replica_log where deployment_id = $1', [id])).length > 0;
  expect(await log()).toBe('what it wrote\n');
  // It is tried again, in vain: the container stays, since it has the only copy.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(await kept()).toBe(false);
  expect(await engine.containersOf([id])).toHaveLength(1);
  expect(await log()).toBe('what it wrote\n');

  await disk.clear();
  await until('the log is kept, and the container is gone', async () => (await engine.containersOf([id])).length === 0);
  expect(await kept()).toBe(true);
  expect(await log()).toBe('what it wrote\n');
});
