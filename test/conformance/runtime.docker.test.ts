import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { ContainerCreateOptions } from 'dockerode';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { coresBetween } from '../../src/core/usage.ts';
import { createOptions } from '../../src/runtimes/docker/container-spec.ts';
import { resolveHostPath } from '../../src/runtimes/docker/host-paths.ts';
import { privateNetworks } from '../../src/runtimes/docker/networks.ts';
import { parseBlock } from '../../src/runtimes/docker/subnets.ts';
import { createDockerRuntime } from '../../src/runtimes/docker.ts';
import type { ContainerKey, ContainerSpec, HealthCheck, Runtime } from '../../src/runtimes/runtime.ts';
import { requireEngine } from '../support/engine-port.ts';
import { proxyTo } from '../support/socket-proxy.ts';
import { ended, newKey, newSpec, readAll, runtimeConformance } from './runtime.suite.ts';
import { read, untar } from './seeing-in.suite.ts';
import { scriptOf } from './shell-behaviour.ts';

const { docker, image, host: engineHost } = requireEngine();
const socketPath = engineHost.replace(/^unix:\/\//, '');
const installations: string[] = [];

function newRuntime(path = socketPath, installationId: string = randomUUID()) {
  installations.push(installationId);
  return { installationId, runtime: createDockerRuntime({ installationId, connection: { socketPath: path } }) };
}

async function removeAll(label: string): Promise<void> {
  const filters = { label: [label] };
  const found = await docker.listContainers({ all: true, filters });
  await Promise.all(found.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
  for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove();
}

const foreignLabel = `runtime.docker.test=${randomUUID()}`;
afterEach(async () => {
  for (const id of installations.splice(0)) await removeAll(`hypervisor.installation=${id}`);
  await removeAll(foreignLabel);
});

const shell = (script: string) => ({ image, command: ['sh', '-c', script], env: {} });

runtimeConformance('docker', async () => {
  const proxy = await proxyTo(socketPath);
  return {
    runtime: newRuntime(proxy.path).runtime,
    run: (behaviour) => shell(scriptOf(behaviour)),
    missingImage: 'hypervisor/there-is-no-such-image:1',
    check: { kind: 'command', command: ['test', '-e', '/tmp/well'] },
    refused: { image, command: ['no-such-command'], env: {} },
    goAway: () => proxy.cut(),
    comeBack: () => proxy.mend(),
    close: () => proxy.close(),
  };
});

/** A running container of somebody else. */
async function foreign(given: ContainerCreateOptions) {
  const [name = '', value = ''] = foreignLabel.split('=');
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sleep', '3600'],
    ...given,
    Labels: { ...given.Labels, [name]: value },
  });
  await container.start();
  return container;
}

describe('only our own containers', () => {
  test("others' are not listed, not stopped, not removed, though they share the engine and a cluster's name", async () => {
    const ours = newRuntime();
    const theirs = newRuntime();
    const key = newKey();
    const spec = newSpec({ ...shell('sleep 3600'), key });
    const stranger = await foreign({ Labels: { 'hypervisor.cluster': key.clusterId } });
    await theirs.runtime.start(spec);

    expect(await ours.runtime.list()).toEqual([]);
    expect(await ours.runtime.list(key.clusterId)).toEqual([]);
    expect(await ours.runtime.inspect(key)).toBeNull();
    expect(await ours.runtime.stop(key, 0)).toBeNull();
    await ours.runtime.remove(key);

    expect(await theirs.runtime.inspect(key)).toMatchObject({ status: 'running' });
    expect((await stranger.inspect()).State.Running).toBe(true);
  });

  test('one with our name and not our label fails the start, and is left alone', async () => {
    const { runtime, installationId } = newRuntime();
    const spec = newSpec(shell('sleep 3600'));
    const state = await runtime.start(spec);
    const name = (await docker.getContainer(state.containerId).inspect()).Name.slice(1);
    await runtime.remove(spec.key);

    const stranger = await foreign({ name });
    await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'start_failed', message: /not ours/ });
    expect(await runtime.inspect(spec.key)).toBeNull();
    expect(await runtime.stop(spec.key, 0)).toBeNull();
    await runtime.remove(spec.key);
    await expect(readAll(runtime, spec.key)).rejects.toMatchObject({ code: 'not_found' });
    expect((await stranger.inspect()).State.Running).toBe(true);
    expect(name).toBe(`hv-${installationId.slice(-12)}-${spec.key.deploymentId}-1-0`);
  });

  test("a user's labels are kept, and never stand for ours", async () => {
    const { runtime, installationId } = newRuntime();
    const other = newKey();
    const labels = {
      team: 'vision',
      'hypervisor.installation': 'another',
      'hypervisor.cluster': other.clusterId,
      'hypervisor.deployment': other.deploymentId,
    };
    const { key, containerId } = await runtime.start(newSpec({ ...shell('sleep 3600'), labels }));
    expect((await docker.getContainer(containerId).inspect()).Config.Labels).toMatchObject({
      team: 'vision',
      'hypervisor.installation': installationId,
      'hypervisor.cluster': key.clusterId,
      'hypervisor.deployment': key.deploymentId,
      'hypervisor.attempt': '1',
      'hypervisor.replica': '0',
    });
    expect(await runtime.list()).toMatchObject([{ key }]);
  });
});

describe('what a container gets', () => {
  test('exactly its limits, also of more than the machine has, and no privileges', async () => {
    const { runtime } = newRuntime();
    const resources = { ram: 1_500, cpu: 1_000_250, gpu: 0 };
    const state = await runtime.start(newSpec({ ...shell('sleep 3600'), resources }));
    const { HostConfig } = await docker.getContainer(state.containerId).inspect();
    expect(HostConfig).toMatchObject({
      Memory: 1.5 * 1024 ** 3,
      MemorySwap: 1.5 * 1024 ** 3,
      CpuPeriod: 100_000,
      CpuQuota: 100_025_000,
      Privileged: false,
      SecurityOpt: ['no-new-privileges'],
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
    });
  });

  test('the kernel holds it to them', async () => {
    const { runtime } = newRuntime();
    const v1 = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us';
    const v2 = 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max';
    const spec = newSpec({ ...shell(`${v1} 2>/dev/null || ${v2}`), resources: { ram: 64, cpu: 125, gpu: 0 } });
    await runtime.start(spec);
    await ended(runtime, spec.key);
    const [memory, quota] = (await readAll(runtime, spec.key)).map((line) => line.text);
    // The kernel counts in pages.
    expect(Number(memory)).toBe(Math.floor(Math.floor(0.064 * 1024 ** 3) / 4096) * 4096);
    expect(quota?.split(' ')[0]).toBe('12500');
  });

  test.each([
    { ram: 5, cpu: 100, gpu: 0 },
    { ram: 32, cpu: 9, gpu: 0 },
  ])(
    'never more than was allocated: $ram MB and $cpu thousandths of a core are refused in words',
    async (resources) => {
      const { runtime } = newRuntime();
      const spec = newSpec({ ...shell('true'), resources });
      await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'start_failed', message: /at least 0\.0/ });
    },
  );

  test('the least that the engine gives can be had', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec({ image, command: ['true'], resources: { ram: 6, cpu: 10, gpu: 0 } });
    await expect(runtime.start(spec)).resolves.toMatchObject({ key: spec.key });
  });

  test('its environment to the letter, and what it should know about itself', async () => {
    const env = {
      ODD: `a=b "c" 'd' $HOME \`x\` \\n {{.}} #`,
      LINES: 'one\ntwo\t',
      UNICODE: 'äöü 漢字 🙂',
      EMPTY: '',
      'with-dash.and.dot': 'yes',
      HYPERVISOR_REPLICA: 'a lie',
    };
    const { runtime } = newRuntime();
    const key = newKey({ attempt: 2, replica: 3 });
    const { containerId } = await runtime.start(newSpec({ ...shell('sleep 3600'), key, env }));
    const given = (await docker.getContainer(containerId).inspect()).Config.Env;
    for (const [name, value] of Object.entries({
      ...env,
      HYPERVISOR_REPLICA: '3',
      HYPERVISOR_ATTEMPT: '2',
      HYPERVISOR_DEPLOYMENT_ID: key.deploymentId,
    })) {
      expect(given).toContain(`${name}=${value}`);
    }
    expect(given.filter((entry) => entry.startsWith('HYPERVISOR_REPLICA='))).toHaveLength(1);
  });

  test.each([
    { name: 'two devices', devices: [share(0), share(3)], says: { HYPERVISOR_GPU_DEVICES: '0,3' } },
    {
      name: 'a share',
      devices: [share(1, 250)],
      says: { HYPERVISOR_GPU_DEVICES: '1', HYPERVISOR_GPU_SHARE: '250', NVIDIA_VISIBLE_DEVICES: '1' },
    },
    { name: 'none', devices: [], says: { HYPERVISOR_GPU_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' } },
  ])('GPUs by environment: $name', async ({ devices, says }) => {
    const { runtime } = newRuntime();
    const spec = newSpec({ ...shell('env'), devices, env: { NVIDIA_VISIBLE_DEVICES: 'all' } });
    await runtime.start(spec);
    await ended(runtime, spec.key);
    const seen = (await readAll(runtime, spec.key)).map((line) => line.text);
    for (const [name, value] of Object.entries(says)) expect(seen).toContain(`${name}=${value}`);
  });

  test('NVIDIA GPUs where there is no toolkit: the start fails and says so', async () => {
    const { Runtimes } = (await docker.info()) as { Runtimes: Record<string, unknown> };
    if ('nvidia' in Runtimes) return;
    const { runtime } = newRuntime();
    const spec = newSpec({ ...shell('true'), devices: [share(0)], gpuDriver: 'nvidia' });
    await expect(runtime.start(spec)).rejects.toMatchObject({
      code: 'start_failed',
      message: /NVIDIA Container Toolkit/,
    });
    expect(await runtime.inspect(spec.key)).toBeNull();
  });

  test('a port that really reaches it; the same host port again fails in words', async () => {
    const { runtime } = newRuntime();
    const state = await runtime.start(serving(null));
    const port = state.ports[0]?.host ?? 0;
    // The engine listens before the program does.
    await vi.waitFor(async () => expect(await received(port)).toBe('hello\n'), { timeout: 60_000 });

    const second = serving(port);
    await expect(runtime.start(second)).rejects.toMatchObject({
      code: 'start_failed',
      message: `the host port ${port} is in use already`,
    });
    expect(await runtime.inspect(second.key)).toBeNull();
  });
});

describe('health checks', () => {
  const patienceMs = 60_000;

  /** Serves an empty page at / on port 8080, which is not published. */
  async function server() {
    const { runtime } = newRuntime();
    const spec = newSpec(shell('mkdir /www; touch /www/index.html; exec httpd -f -p 8080 -h /www'));
    await runtime.start(spec);
    const look = (check: HealthCheck) => runtime.probe(spec.key, check, patienceMs);
    await vi.waitFor(async () => expect((await look({ kind: 'tcp', port: 8080 }))?.isWell).toBe(true), {
      timeout: patienceMs,
    });
    return look;
  }

  test.each([
    ['/', null, true, 'GET / on port 8080 was answered with 200'],
    ['/', 200, true, 'GET / on port 8080 was answered with 200'],
    ['/', 204, false, 'GET / on port 8080 was answered with 200, not with 204'],
    ['/none', null, false, 'GET /none on port 8080 was answered with 404, not with one from 200 to 399'],
    ['/none', 404, true, 'GET /none on port 8080 was answered with 404'],
  ])('by HTTP: %s, expecting %s', async (path, expectStatus, isWell, message) => {
    const look = await server();
    expect(await look({ kind: 'http', port: 8080, path, expectStatus })).toEqual({ isWell, message });
  });

  test('where nobody listens, over HTTP or without, it is not well, also on a published port', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec({ ...shell('sleep 3600'), ports: [{ container: 8080, host: null, protocol: 'tcp' }] });
    await runtime.start(spec);
    const bad = { isWell: false, message: 'nothing listens on port 8080' };
    expect(await runtime.probe(spec.key, { kind: 'tcp', port: 8080 }, patienceMs)).toEqual(bad);
    expect(await runtime.probe(spec.key, http(8080), patienceMs)).toEqual(bad);
  });

  test('what answers in another tongue than HTTP, or not at all, is not well', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec(shell(`nc -ll -p 8080 -e echo hello & nc -ll -p 8081 -e sleep 3600 & wait`));
    await runtime.start(spec);
    await vi.waitFor(
      async () =>
        expect(await runtime.probe(spec.key, http(8080), patienceMs)).toEqual({
          isWell: false,
          message: 'what listens on port 8080 does not speak HTTP',
        }),
      { timeout: patienceMs },
    );
    await vi.waitFor(
      async () =>
        expect(await runtime.probe(spec.key, http(8081), 500)).toEqual({
          isWell: false,
          message: 'port 8081 did not answer within 0.5 s',
        }),
      { timeout: patienceMs },
    );
  });

  test('by command: what it wrote last is told, and so is one that is not there', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec(shell('sleep 3600'));
    await runtime.start(spec);
    const look = (...command: string[]) => runtime.probe(spec.key, { kind: 'command', command }, patienceMs);
    expect(await look('true')).toEqual({ isWell: true, message: 'its command exited with 0' });
    // Both to one of its streams: of two, nobody knows which line came first.
    expect(await look('sh', '-c', 'echo one >&2; echo "the disk is full" >&2; exit 3')).toEqual({
      isWell: false,
      message: 'its command exited with 3: the disk is full',
    });
    expect(await look('no-such-command')).toMatchObject({ isWell: false, message: /no-such-command/ });
  });

  test('a command that does not end is not joined by another', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec(shell('sleep 3600'));
    const { containerId } = await runtime.start(spec);
    const hangs = { kind: 'command', command: ['sleep', '7200'] } as const;
    expect(await runtime.probe(spec.key, hangs, 300)).toEqual({
      isWell: false,
      message: 'its command did not end within 0.3 s',
    });
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await runtime.probe(spec.key, hangs, 300)).toEqual({
        isWell: false,
        message: 'the command of an earlier check has not ended yet',
      });
    }
    // A busy engine may have answered before it has started it.
    await vi.waitFor(
      async () => {
        const { Processes } = await docker.getContainer(containerId).top();
        expect((Processes as string[][]).filter((process) => process.join(' ').includes('7200'))).toHaveLength(1);
      },
      { timeout: 60_000 },
    );
  });

  test('nor is one that the engine has answered to, and not started yet', async () => {
    const spec = newSpec(shell('sleep 3600'));
    const started = await newRuntime().runtime.start(spec);
    const info = await docker.getContainer(started.containerId).inspect();
    let asked = 0;
    const engine = await listening(({ method, url = '' }, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      if (url.endsWith('/start')) {
        asked += 1;
        response.flushHeaders();
        return;
      }
      const exec = method === 'POST' ? { Id: 'x' } : { Running: false, ExitCode: null };
      response.end(JSON.stringify(url.includes('exec') ? exec : info));
    });
    const installationId = info.Config.Labels['hypervisor.installation'] ?? '';
    const connection = { protocol: 'http', host: '127.0.0.1', port: engine.port } as const;
    const runtime = createDockerRuntime({ installationId, connection });
    const look = () => runtime.probe(spec.key, { kind: 'command', command: ['true'] }, 300);
    expect(await look()).toMatchObject({ message: 'its command did not end within 0.3 s' });
    expect(await look()).toMatchObject({ message: 'the command of an earlier check has not ended yet' });
    expect(asked).toBe(1);
    engine.close();
  });
});

describe('failures in plain words', () => {
  test.each([
    [['no-such-command'], 'there is no command "no-such-command" in the image'],
    [['/no/such/path'], 'there is no command "/no/such/path" in the image'],
    [['/etc'], '"/etc" is not a program that may be executed'],
  ])('command %j', async (command, message) => {
    const { runtime } = newRuntime();
    await expect(runtime.start(newSpec({ image, command, env: {} }))).rejects.toMatchObject({
      code: 'start_failed',
      message,
    });
  });

  test.each(['Bad Image!', 'a/../b', '../../containers/json', 'x?y', 'UPPER/case', ''])(
    'the name "%s" is no image',
    async (name) => {
      const { runtime } = newRuntime();
      await expect(runtime.ensureImage(name, { policy: 'missing' })).rejects.toMatchObject({
        name: 'RuntimeError',
        code: 'image_not_found',
        message: expect.stringMatching(/not a valid name|must be lowercase/),
      });
    },
  );

  test('an engine that takes requests and never answers is given up', async () => {
    const silent = await listening(() => {});
    const runtime = impatient(silent.port);
    for (const call of [runtime.ping(), runtime.list(), runtime.inspect(newKey()), runtime.start(newSpec({ image }))]) {
      await expect(call).rejects.toMatchObject({ code: 'unreachable' });
    }
    silent.close();
  });

  test('an engine that breaks off in the middle of an answer is given up too', async () => {
    const broken = await listening((_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
      response.write('[{"Id":', () => response.destroy());
    });
    await expect(impatient(broken.port).list()).rejects.toMatchObject({ code: 'unreachable' });
    broken.close();
  });
});

test('a name that the engine holds for a create under way is waited for, not taken for a failure', async () => {
  const spec = newSpec(shell('sleep 3600'));
  const started = await newRuntime().runtime.start(spec);
  const info = await docker.getContainer(started.containerId).inspect();
  let looks = 0;
  const engine = await listening((request, response) => {
    const isLook = request.method === 'GET';
    if (isLook) looks += 1;
    const isThere = isLook && looks > 5;
    response.writeHead(isThere ? 200 : isLook ? 404 : 409, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(isThere ? info : { message: 'the name is in use, or there is no such container' }));
  });
  const installationId = info.Config.Labels['hypervisor.installation'] ?? '';
  const connection = { protocol: 'http', host: '127.0.0.1', port: engine.port } as const;
  const state = await createDockerRuntime({ installationId, connection }).start(spec);
  expect(state).toEqual(started);
  engine.close();
});

describe('files', () => {
  const files = [{ path: '/etc/ours', content: Buffer.from('ours'), mode: 0o600 }];

  test('of a container that was made by a start that was cut off are put there by the next', async () => {
    const { runtime, installationId } = newRuntime();
    const spec = newSpec({ ...shell('cat /etc/ours; ls -l /etc/ours | cut -c1-10'), files });
    const name = `hv-${installationId.slice(-12)}-${spec.key.deploymentId}-1-0`;
    const { id } = await docker.createContainer({
      name,
      ...createOptions(installationId, spec, { mounts: [], networkId: null }),
    });
    expect((await runtime.start(spec)).containerId).toBe(id);
    await ended(runtime, spec.key);
    expect((await readAll(runtime, spec.key)).map((line) => line.text)).toEqual(['ours-rw-------']);
  });

  test('that cannot be put there fail the start in words, and leave nothing behind', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec({ ...shell('true'), files: [{ ...files[0]!, path: '/bin/busybox/x' }] });
    await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'start_failed', message: /\w+ \w+/ });
    expect(await runtime.inspect(spec.key)).toBeNull();
  });
});

describe('volumes', () => {
  test('one with our name and not our labels fails the start, and is left alone', async () => {
    const { runtime, installationId } = newRuntime();
    const volume = { organizationId: randomUUID(), volumeId: randomUUID() };
    const name = `hv-${installationId.slice(-12)}-${volume.organizationId.slice(-12)}-${volume.volumeId}`;
    await docker.createVolume({ Name: name });
    const mounts = [{ kind: 'volume', volume, path: '/data', readOnly: false }] as const;
    const spec = newSpec({ ...shell('true'), mounts });
    await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'start_failed', message: /not ours/ });
    await runtime.removeVolume(volume);
    expect((await docker.getVolume(name).inspect()).Name).toBe(name);
    await docker.getVolume(name).remove();
  });

  test('a directory of the machine that is not there fails the start in words; none is made', async () => {
    const { runtime } = newRuntime();
    const hostPath = `/tmp/hypervisor-no-such-${randomUUID()}`;
    const mounts = [{ kind: 'host', hostPath, within: hostPath, path: '/data', readOnly: true }] as const;
    await expect(runtime.start(newSpec({ ...shell('true'), mounts }))).rejects.toMatchObject({
      code: 'start_failed',
      message: `there is no ${hostPath} on the engine's machine`,
    });
    expect(await access(hostPath).catch(() => 'missing')).toBe('missing');
  });

  test('below an allowed directory of another machine nothing is mounted: its links cannot be followed', async () => {
    const mount = { kind: 'host', hostPath: '/srv/a', within: '/srv', path: '/data', readOnly: true } as const;
    await expect(resolveHostPath(mount, false)).rejects.toMatchObject({ code: 'start_failed', message: /links/ });
    expect(await resolveHostPath({ ...mount, hostPath: '/srv' }, false)).toBe('/srv');
  });
});

const subnetOf = async (id: string) => (await docker.getNetwork(id).inspect()).IPAM?.Config?.[0]?.Subnet;

describe('private networks', () => {
  const installationId = randomUUID();
  const networksIn = (range: string) => {
    installations.push(installationId);
    return privateNetworks({ docker, answerMs: 30_000, installationId, range: parseBlock(range)! });
  };

  test('are not limited by the pools of the engine, and get different addresses', async () => {
    const networks = networksIn('10.197.0.0/20');
    const ids: string[] = [];
    // The engine has 31 of its own.
    for (let batch = 0; batch < 9; batch += 1) {
      ids.push(...(await Promise.all([0, 1, 2, 3].map(() => networks.ensure(newKey(), 2)))));
    }
    const subnets = await Promise.all(ids.map(subnetOf));
    expect(new Set(subnets).size).toBe(36);
    for (const subnet of subnets) expect(subnet).toMatch(/^10\.197\.\d+\.\d+\/28$/);
    expect(await networks.list()).toHaveLength(36);
  });

  test("leave others' addresses alone, and say so when none are left", async () => {
    const taken = await docker.createNetwork({
      Name: `hv-test-${randomUUID()}`,
      Labels: { [foreignLabel.split('=')[0]!]: foreignLabel.split('=')[1]! },
      IPAM: { Driver: 'default', Config: [{ Subnet: '10.196.0.16/28' }] },
    });
    const networks = networksIn('10.196.0.0/27');
    expect(await subnetOf(await networks.ensure(newKey(), 2))).toBe('10.196.0.0/28');
    await expect(networks.ensure(newKey(), 2)).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringMatching(/no addresses are free .* 10\.196\.0\.0\/27/),
    });
    await taken.remove();
  });

  test('two processes that make one at once agree on one', async () => {
    const key = newKey();
    const made = await Promise.all([1, 2, 3].map(() => networksIn('10.195.0.0/20').ensure(key, 2)));
    expect(new Set(made).size).toBe(1);
    expect(await networksIn('10.195.0.0/20').list()).toHaveLength(1);
  });
});

describe('logs', () => {
  test('a line longer than the engine keeps in one piece comes in one piece', async () => {
    const { runtime } = newRuntime();
    const spec = newSpec(shell(`head -c 50000 /dev/zero | tr '\\0' x; echo; printf 'no newline'`));
    await runtime.start(spec);
    await ended(runtime, spec.key);
    const lines = await readAll(runtime, spec.key);
    expect(lines.map((line) => line.text)).toEqual(['x'.repeat(50_000), 'no newline']);
  });
});

describe('inside of a container', () => {
  test.each([
    ['with a terminal', { columns: 80, rows: 24 }],
    ['without', null],
  ])('kill ends a command and all that it started, and nothing else: %s', async (_, terminal) => {
    const { runtime } = newRuntime();
    const { key } = await runtime.start(newSpec({ ...shell('sleep 4001 & sleep 4002'), env: {} }));
    const script = "trap '' HUP; sleep 4003 & (sleep 4004 & wait) & sleep 4005";
    const session = await runtime.exec(key, { command: ['sh', '-c', script], terminal });
    await vi.waitFor(async () => expect(await processesOf(runtime, key)).toMatch(/4005/), { timeout: 60_000 });
    await session.kill();
    const left = await processesOf(runtime, key);
    expect(left).not.toMatch(/400[345]/);
    expect(left).toMatch(/4001/);
    expect(left).toMatch(/4002/);
    expect(await runtime.inspect(key)).toMatchObject({ status: 'running' });
  });

  test('a command that has ended leaves what it started to itself', async () => {
    const { runtime } = newRuntime();
    const { key } = await runtime.start(newSpec(shell('sleep 3600')));
    const command = ['sh', '-c', 'sleep 4006 >/dev/null 2>&1 </dev/null &'] as const;
    const session = await runtime.exec(key, { command, terminal: null });
    expect((await read(session)).code).toBe(0);
    await session.kill();
    expect(await processesOf(runtime, key)).toMatch(/4006/);
  });

  test('a busy one uses what it was given, by its own count', async () => {
    const { runtime } = newRuntime();
    const resources = { ram: 64, cpu: 250, gpu: 0 };
    const { key } = await runtime.start(newSpec({ ...shell('while true; do true; done'), resources }));
    const first = await runtime.stats(key);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const later = await runtime.stats(key);
    // The kernel gives no more than the quota; how much less, on a machine that others use too, is not for a test to say.
    const cores = coresBetween(first ?? { at: 0, cpuMs: 0 }, later ?? { at: 0, cpuMs: 0 });
    expect(cores).toBeGreaterThan(0);
    expect(cores).toBeLessThan(350);
  });

  test('memory is told without what was only read from files', async () => {
    const { runtime } = newRuntime();
    const script = 'head -c 20000000 /dev/zero > /tmp/file; cat /tmp/file > /dev/null; echo read; sleep 3600';
    const spec = newSpec({ ...shell(script), resources: { ram: 64, cpu: 500, gpu: 0 } });
    await runtime.start(spec);
    await vi.waitFor(async () => expect(await readAll(runtime, spec.key)).toHaveLength(1), { timeout: 60_000 });
    expect((await runtime.stats(spec.key))?.ram).toBeLessThan(15);
  });

  test('a link is followed to what it points to, and a command sees its terminal as one', async () => {
    const { runtime } = newRuntime();
    const { key } = await runtime.start(newSpec(shell('mkdir /data; echo 1 > /data/x; ln -s /data /link; sleep 3600')));
    const linked = async () => expect(await runtime.statFile(key, '/link')).toMatchObject({ kind: 'directory' });
    await vi.waitFor(linked, { timeout: 60_000 });
    const names = (await untar(await runtime.readFiles(key, '/link'))).map(({ header }) => header.name);
    expect(names).toEqual(['data/', 'data/x']);
    const command = ['sh', '-c', 'test -t 0 && test -t 1 && echo "$TERM"'] as const;
    const session = await runtime.exec(key, { command, terminal: { columns: 80, rows: 24 } });
    expect(await read(session)).toMatchObject({ stdout: 'xterm-256color\r\n', code: 0 });
  });

  test('one that shares the network of its machine has no ports of its own to reach', async () => {
    const { runtime, installationId } = newRuntime();
    const spec = newSpec(shell('sleep 3600'));
    const { containerId } = await runtime.start(spec);
    const { Name, Config } = await docker.getContainer(containerId).inspect();
    await runtime.remove(spec.key);
    const container = await docker.createContainer({
      name: Name.slice(1),
      Image: image,
      Cmd: ['sleep', '3600'],
      Labels: Config.Labels,
      HostConfig: { NetworkMode: 'host' },
    });
    await container.start();
    expect(Config.Labels['hypervisor.installation']).toBe(installationId);
    const somebodys = await listening(() => {});
    await expect(runtime.dial(spec.key, somebodys.port)).rejects.toMatchObject({
      code: 'refused',
      message: 'the container has no network address of its own',
    });
    somebodys.close();
  });
});

describe('pulls from a registry', () => {
  const credential = { username: 'robot', password: 'hunter2/+&secret' };
  const basic = Buffer.from(`${credential.username}:${credential.password}`).toString('base64');

  /** The engine trusts plain HTTP to 127.0.0.0/8. */
  async function pullFrom(answer: RequestListener) {
    const seen: string[] = [];
    const registry = await listening((request, response) => {
      seen.push(request.headers.authorization ?? '');
      answer(request, response);
    });
    const server = `127.0.0.1:${registry.port}`;
    const told: string[] = [];
    const failure = await newRuntime()
      .runtime.ensureImage(`${server}/team/app:1`, {
        policy: 'missing',
        credential: { server, ...credential },
        onProgress: (message) => told.push(message),
      })
      .then(
        () => null,
        (error: unknown) => error as Error,
      );
    registry.close();
    return { failure, seen, told };
  }

  test.each([
    [401, 'UNAUTHORIZED', 'image_pull_denied'],
    [403, 'DENIED', 'image_pull_denied'],
    [404, 'MANIFEST_UNKNOWN', 'image_not_found'],
    [500, 'UNKNOWN', 'image_pull_failed'],
  ])('an answer of %i %s is %s, and the password it repeats is in no word of ours', async (status, code, expected) => {
    const { failure, seen, told } = await pullFrom((request, response) => {
      const challenge = { 'WWW-Authenticate': 'Basic realm="test"', 'Content-Type': 'application/json' };
      if (request.headers.authorization === undefined) return void response.writeHead(401, challenge).end();
      if (request.url === '/v2/') return void response.writeHead(200).end();
      response.writeHead(status, { 'Content-Type': 'application/json' });
      const message = `not with ${credential.password} nor ${request.headers.authorization}`;
      response.end(JSON.stringify({ errors: [{ code, message }] }));
    });
    expect(seen).toContain(`Basic ${basic}`);
    expect(failure).toMatchObject({ name: 'RuntimeError', code: expected });
    const said = [String(failure), failure?.stack, JSON.stringify(failure), String(failure?.cause), ...told].join('\n');
    expect(said).not.toContain(credential.password);
    expect(said).not.toContain(basic);
    expect(told[0]).toMatch(/^pulling 127/);
  });

  test('nobody listens: the pull failed, the engine did not', async () => {
    const { failure } = await pullFrom((request) => request.socket.destroy());
    expect(failure).toMatchObject({ code: 'image_pull_failed' });
  });
});

/** The processes of a container, by their command lines. */
async function processesOf(runtime: Runtime, key: ContainerKey): Promise<string> {
  return (await read(await runtime.exec(key, { command: ['ps'], terminal: null }))).stdout;
}

/** Says hello on its port 8080. */
function serving(host: number | null): ContainerSpec {
  return newSpec({
    ...shell('while true; do echo hello | nc -l -p 8080; done'),
    ports: [{ container: 8080, host, protocol: 'tcp' }],
  });
}

const http = (port: number) => ({ kind: 'http', port, path: '/', expectStatus: null }) as const;

function impatient(port: number) {
  const connection = { protocol: 'http', host: '127.0.0.1', port } as const;
  return createDockerRuntime({ installationId: randomUUID(), connection, answerMs: 300 });
}

async function listening(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function share(index: number, amount = 1000) {
  return { index, amount };
}

function received(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(port, '127.0.0.1')
      .on('data', (chunk) => {
        text += chunk.toString();
        if (text.endsWith('\n')) resolve(text);
      })
      .on('end', () => resolve(text))
      .on('error', reject);
  });
}
