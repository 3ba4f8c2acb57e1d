import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, newOwner } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { type RunningRegistry, startRegistry } from '../support/registry.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** Pulls for real: a registry that asks for a password, and an image that only it has. */
const engine = requireEngine();
let service: TestService;
let registry: RunningRegistry;
let owner: Client;
let dir: string;
let image: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hypervisor-registry-'));
  [registry, service] = await Promise.all([startRegistry(dir), startTestService()]);
  owner = await newOwner(service.url);
  image = `${registry.server}/team/app:1`;
  await push(image);
});

afterAll(async () => {
  await engine.docker
    .getImage(image)
    .remove({ force: true })
    .catch(() => undefined);
  await service.stop();
  await registry.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Leaves the image in the registry alone. */
async function push(name: string): Promise<void> {
  await engine.docker.getImage(engine.image).tag({ repo: name.replace(/:1$/, ''), tag: '1' });
  const { username, password, server } = registry;
  const stream = (await engine.docker
    .getImage(name)
    .push({ authconfig: { username, password, serveraddress: server } })) as unknown as Readable;
  for await (const chunk of stream) expect(String(chunk)).not.toContain('"error"');
  await engine.docker.getImage(name).remove();
}

test('a private image is pulled with the credentials of the organization, and its progress is told', async () => {
  const cluster = await owner.createCluster({ runtime: 'docker', ram: 1, cpu: 1 });
  const wanted = { docker_image: image, command: ['true'], ram_required: 0.1, cpu_required: 0.1 };

  const refused = await owner.became((await owner.submit(cluster.id, wanted)).id, 'failed');
  expect(refused.reason_code).toBe('image_pull_denied');
  expect(refused.reason).toContain('credentials are needed');

  const { server, username, password } = registry;
  const wrong = await owner.ask<{ id: string }>('POST', '/registry-credentials', {
    server,
    username,
    password: 'not-the-password',
  });
  expect(wrong.status).toBe(201);
  const denied = await owner.became((await owner.submit(cluster.id, wanted)).id, 'failed');
  expect(denied.reason_code).toBe('image_pull_denied');
  expect(denied.reason).toContain(`the credentials of ${username} are wrong`);
  expect(denied.reason).not.toContain('not-the-password');

  const added = await owner.ask('PUT', `/registry-credentials/${wrong.body.id}`, { password });
  expect(added.status).toBe(200);
  expect(JSON.stringify(added.body)).not.toContain(password);

  const pulled = await owner.submit(cluster.id, wanted);
  await owner.became(pulled.id, 'succeeded');
  await service.eventsTold();
  const { body } = await owner.ask<{ items: { type: string; message: string }[] }>(
    'GET',
    `/deployments/${pulled.id}/events`,
  );
  const progress = body.items.filter((event) => event.type === 'deployment.progress').map((event) => event.message);
  expect(progress).toContain(`pulled ${image}`);
  const [everything] = await service.sql<{ text: string }>('select json_agg(e)::text as text from event e');
  expect(everything?.text).not.toContain(password);
});
