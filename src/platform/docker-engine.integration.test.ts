import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hold } from '../../test/support/held.ts';
import { busyboxImage, ensureBusyboxImage } from './busybox-image.ts';
import { findDockerEngine, provisionDockerEngine } from './docker-engine.ts';
import { startPrivateEngine } from './docker-private.ts';
import { exists } from './files.ts';

const run = promisify(execFile);
const executable = '/usr/sbin/dockerd';
const canStart = process.getuid?.() === 0 && (await exists(executable));
const say = () => undefined;

let dataRoot: string;
beforeEach(async () => {
  dataRoot = await mkdtemp(join(tmpdir(), 'hv-engine-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  // Fails where something is still mounted below.
  await rm(dataRoot, { recursive: true });
});

/** Everything that an engine could leave on the machine. */
async function traces() {
  const { stdout: processes } = await run('ps', ['-eo', 'pid,stat,args']);
  const { stdout: links } = await run('ip', ['-brief', 'link']);
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  return [...linesWith(dataRoot, processes), ...linesWith(dataRoot, mounts), ...linesWith(`hv-${process.pid}-`, links)];
}

/** The kernel may still be at it: a process to be reaped, a mount to go, a link of a container. */
async function expectNoTraces(): Promise<void> {
  await vi.waitFor(async () => expect(await traces()).toEqual([]), { timeout: 60_000 });
}

function linesWith(word: string, text: string): string[] {
  return text.split('\n').filter((line) => line.includes(word));
}

test('the engine of DOCKER_HOST is found, by socket and by TCP', async () => {
  const host = process.env['HYPERVISOR_TEST_DOCKER_HOST']!;
  vi.stubEnv('DOCKER_HOST', host);
  const found = await provisionDockerEngine({ say, dataRoot });
  expect(found.host).toBe(host);
  expect(await new Docker(found.connection).ping()).toEqual(Buffer.from('OK'));

  const tcp = createServer((_, response) => response.end('OK'));
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as { port: number };
  vi.stubEnv('DOCKER_HOST', `tcp://127.0.0.1:${port}`);
  expect((await provisionDockerEngine({ say, dataRoot })).host).toBe(`tcp://127.0.0.1:${port}`);
  await new Promise((resolve) => tcp.close(resolve));
});

test('a DOCKER_HOST where nobody answers is told, and no other engine is used instead', async () => {
  vi.stubEnv('DOCKER_HOST', `unix://${dataRoot}/nobody.sock`);
  expect(await findDockerEngine()).toBeNull();
  await expect(provisionDockerEngine({ say, dataRoot })).rejects.toThrow(/no Docker Engine answers at DOCKER_HOST=/);
});

test.runIf(canStart)('private engines run beside each other and leave nothing behind', async () => {
  const engines = [join(dataRoot, 'a'), join(dataRoot, 'b')].map((root) =>
    startPrivateEngine(executable, { say, dataRoot: root }),
  );
  try {
    const answers = await Promise.all(engines.map(async (engine) => servePage(new Docker((await engine).connection))));
    expect(answers).toEqual(['page', 'page']);
  } finally {
    // Also with a container that does not care for being asked to end.
    for (const engine of engines) await (await engine).stop();
  }
  await expectNoTraces();
});

/** What a container of the engine answers on a published port, and that it stays alone in its network. */
async function servePage(docker: Docker): Promise<string> {
  expect(await ensureBusyboxImage(docker, { say })).toBe(busyboxImage);
  // There already: nothing is made.
  expect(await ensureBusyboxImage(docker, { say })).toBe(busyboxImage);
  const container = await docker.createContainer({
    Image: busyboxImage,
    Cmd: ['sh', '-c', 'echo -n page > /tmp/page; httpd -p 80 -h /tmp; while :; do sleep 1; done'],
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] } },
  });
  await container.start();
  const { NetworkSettings } = await container.inspect();
  const port = NetworkSettings.Ports['80/tcp']?.[0]?.HostPort;
  return vi.waitFor(async () => (await fetch(`http://127.0.0.1:${port}/page`)).text(), { timeout: 60_000 });
}

test.runIf(canStart)('an engine whose owner was killed ends, and the next start has its containers', async () => {
  const held = await hold<{ host: string }>('engine', { executable, dataRoot });
  const socketPath = held.told.host.slice('unix://'.length);
  const docker = new Docker({ socketPath });
  await ensureBusyboxImage(docker, { say });
  const made = await docker.createContainer({ Image: busyboxImage, Cmd: ['sleep', '1000'] });
  await made.start();
  await held.kill();
  const engine = await startPrivateEngine(executable, { say, dataRoot });
  const [container] = await new Docker(engine.connection).listContainers({ all: true });
  expect(container?.Id).toBe(made.id);
  expect(container?.State).toBe('exited');
  await engine.stop();
  await expectNoTraces();
});

test.runIf(canStart)('an engine that does not come up is told with the end of its log', async () => {
  const started = startPrivateEngine('/bin/false', { say, dataRoot });
  await expect(started).rejects.toThrow(/did not come up; set DOCKER_HOST to use another/);
  await expectNoTraces();
});
