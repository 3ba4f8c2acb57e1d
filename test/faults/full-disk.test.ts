import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, newOwner, until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';

const engine = requireEngine();
let service: TestService;
let owner: Client;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

test('where the database has no room for a log, the end is told, the log is read from its container, and kept once there is room', async () => {
  const cluster = await owner.createCluster({ runtime: 'docker', ram: 8, cpu: 8 });
  // As PostgreSQL answers where the file of a table can't grow.
  await service.sql(`create function no_room() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`);
  await service.sql('create trigger no_room before insert on replica_log for each row execute function no_room()');
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

  await service.sql('drop trigger no_room on replica_log');
  await until('the log is kept, and the container is gone', async () => (await engine.containersOf([id])).length === 0);
  expect(await kept()).toBe(true);
  expect(await log()).toBe('what it wrote\n');
});
