/** Volumes, secrets, files and networks on real containers. */
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redactedPaths } from '../../src/api/server.ts';
import {
  type Client,
  type Cluster,
  type DeploymentInput,
  newOwner,
  type Problem,
  unique,
  until,
} from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';

const engine = requireEngine();
let service: TestService;
let owner: Client;
let cluster: Cluster;
let dir: string;
let logged = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hypervisor-data-'));
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  });
  const log = pino({ level: 'trace', redact: [...redactedPaths] }, destination);
  service = await startTestService({ log, config: { hostPaths: [dir] } });
  owner = await newOwner(service.url);
  cluster = await dockerCluster(owner);
});
afterAll(async () => {
  await removeVolumesOf();
  await service.stop();
  await rm(dir, { recursive: true, force: true });
});

function dockerCluster(client: Client, input: object = {}): Promise<Cluster> {
  return client.createCluster({ runtime: 'docker', ram: 4, cpu: 8, gpu: 0, ...input });
}

async function installation(): Promise<string> {
  const [row] = await service.sql<{ id: string }>('select id from installation');
  return row?.id ?? '';
}

const ourFilters = async () => ({ label: [`hypervisor.installation=${await installation()}`] });

async function engineVolumes(): Promise<string[]> {
  const { Volumes } = await engine.docker.listVolumes({ filters: await ourFilters() });
  return (Volumes ?? []).map(({ Labels }) => Labels['hypervisor.volume'] ?? '');
}

async function engineNetworks(): Promise<string[]> {
  const found = await engine.docker.listNetworks({ filters: await ourFilters() });
  return found.map(({ Labels }) => Labels?.['hypervisor.deployment'] ?? '');
}

async function removeVolumesOf(): Promise<void> {
  const rows = await service.sql<{ id: string }>('select id from deployment');
  await engine.removeContainersOf(rows.map(({ id }) => id));
  const { Volumes } = await engine.docker.listVolumes({ filters: await ourFilters() });
  for (const { Name } of Volumes ?? []) await engine.docker.getVolume(Name).remove();
}

function script(text: string, input: DeploymentInput = {}): DeploymentInput {
  return {
    docker_image: engine.image,
    command: ['sh', '-c', text],
    ram_required: 0.032,
    cpu_required: 0.1,
    pull_policy: 'never',
    stop_grace_s: 0,
    ...input,
  };
}

const forever = 'while :; do sleep 1; done';

/** What a job wrote, once it has succeeded. */
async function said(client: Client, at: Cluster, input: DeploymentInput): Promise<string> {
  const { id } = await client.submit(at.id, input);
  await client.became(id, 'succeeded');
  return logOf(client, id);
}

async function logOf(client: Client, id: string, replica = 0): Promise<string> {
  return (await client.fetch(`/api/v1/deployments/${id}/logs?replica=${replica}`)).text();
}

interface Volume {
  id: string;
  name: string;
  size_bytes: number | null;
  used_by: { id: string; name: string }[];
}

function createVolume(client: Client, at: Cluster, name: string): Promise<Volume> {
  return client.call<Volume>('POST', '/volumes', { cluster_id: at.id, name });
}

/** Every row of every table, as text. */
async function databaseText(): Promise<string> {
  const tables = await service.sql<{ name: string }>(
    "select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')",
  );
  const texts = tables.map(async ({ name }) => {
    const [row] = await service.sql<{ text: string | null }>(`select string_agg(t::text, ' ') as text from ${name} t`);
    return row?.text ?? '';
  });
  return (await Promise.all(texts)).join('\n');
}

async function addressOf(id: string): Promise<string> {
  const [container] = await engine.containersOf([id]);
  const { NetworkSettings } = await engine.docker.getContainer(container?.id ?? '').inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  return network?.IPAddress ?? '';
}

const mount = (host_path: string, read_only = false) => ({ volumes: [{ host_path, path: '/host', read_only }] });

const isThere = (network: { inspect(): Promise<unknown> }) =>
  network.inspect().then(
    () => true,
    () => false,
  );

describe('volumes', () => {
  test('keep their data from one deployment to the next, and no organization reaches those of another', async () => {
    const volume = await createVolume(owner, cluster, 'kept');
    const volumes = [{ name: 'kept', path: '/data' }];
    await said(
      owner,
      cluster,
      script('echo precious > /data/x && head -c 100000 /dev/zero > /data/zeros', { volumes }),
    );
    expect(await said(owner, cluster, script('cat /data/x', { volumes }))).toBe('precious\n');

    const listed = await until('its size is known', async () => {
      const read = await owner.get<Volume>(`/volumes/${volume.id}`);
      return read.size_bytes !== null && read;
    });
    expect(listed.size_bytes).toBeGreaterThan(100_000);
    expect(listed.used_by).toEqual([]);

    const stranger = await newOwner(service.url);
    const theirs = await dockerCluster(stranger);
    await createVolume(stranger, theirs, 'kept');
    expect(await said(stranger, theirs, script('ls /data; echo end', { volumes }))).toBe('end\n');
    await stranger.refused(404, 'GET', `/volumes/${volume.id}`);
    await stranger.refused(404, 'DELETE', `/volumes/${volume.id}`);
    await stranger.refused(404, 'POST', '/volumes', { cluster_id: cluster.id, name: 'mine' });
  });

  test('that may only be read cannot be written to', async () => {
    await createVolume(owner, cluster, 'read-only');
    const volumes = [{ name: 'read-only', path: '/data', read_only: true }];
    expect(await said(owner, cluster, script('touch /data/x || echo refused', { volumes }))).toContain('refused');
  });

  test('are not deleted while they are used, and then with all that they hold', async () => {
    const volume = await createVolume(owner, cluster, 'used');
    const volumes = [{ name: 'used', path: '/data' }];
    const running = await owner.submit(cluster.id, script(forever, { name: 'user-of-it', volumes }));
    await owner.became(running.id, 'running');
    const refused = await owner.refused(409, 'DELETE', `/volumes/${volume.id}`);
    expect(refused).toMatchObject({ code: 'volume_in_use', detail: expect.stringContaining('user-of-it') as string });
    expect((await owner.get<Volume>(`/volumes/${volume.id}`)).used_by).toEqual([
      { id: running.id, name: 'user-of-it' },
    ]);
    expect(await engineVolumes()).toContain(volume.id);
    await owner.stop(running.id);
    await owner.became(running.id, 'succeeded', 'cancelled');
    expect([202, 204]).toContain((await owner.ask('DELETE', `/volumes/${volume.id}`)).status);
    await until('the volume is gone', async () => {
      const { status } = await owner.ask('GET', `/volumes/${volume.id}`);
      return status === 404 && !(await engineVolumes()).includes(volume.id);
    });
    // A cluster with volumes is not deleted with them.
    const refusal = await owner.refused(409, 'DELETE', `/clusters/${cluster.id}?force=true`);
    expect(refusal.code).toBe('cluster_has_volumes');
  });

  test('of other software on the engine are left alone', async () => {
    const name = `hypervisor-test-${unique('v')}`;
    await engine.docker.createVolume({ Name: name });
    await createVolume(owner, cluster, 'to-delete');
    const { id } = await createVolume(owner, cluster, 'never-used');
    await owner.call('DELETE', `/volumes/${id}`);
    expect((await engine.docker.getVolume(name).inspect()).Name).toBe(name);
    await engine.docker.getVolume(name).remove();
  });
});

describe('secrets', () => {
  const value = 'open-sesame-"7391"$x';
  const forms = [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')];

  test('reach the container as a variable and as a file, and no row, event, log or answer holds them', async () => {
    const name = unique('db');
    const answers: unknown[] = [await owner.call('POST', '/secrets', { name, value })];
    const secrets = [
      { name, env: 'DB_PASSWORD' },
      { name, path: '/run/secrets/db', mode: '0400' },
    ];
    const text =
      '[ "$(cat /run/secrets/db)" = "$DB_PASSWORD" ] && printf %s "$DB_PASSWORD" | wc -c; ls -ln /run/secrets/db | cut -c1-10';
    const deployment = await owner.submit(cluster.id, script(text, { secrets }));
    await owner.became(deployment.id, 'succeeded');
    expect(await logOf(owner, deployment.id)).toBe(`${value.length}\n-r--------\n`);

    // One that fails to start, with the engine's words.
    const failing = await owner.submit(cluster.id, script('', { secrets, command: ['/no/such/program'] }));
    await owner.became(failing.id, 'failed');
    await service.eventsTold();
    for (const path of ['/secrets', `/secrets/${name}`, '/deployments', `/deployments/${failing.id}`, '/events']) {
      answers.push(await owner.get(path));
    }
    answers.push(await owner.refused(400, 'POST', '/secrets', { name, value: `${value}${'x'.repeat(70_000)}` }));
    const everything = [JSON.stringify(answers), logged, await databaseText()];
    for (const form of forms) for (const part of everything) expect(part.includes(form)).toBe(false);
    // The search finds what is there.
    expect(everything[2]).toContain(name);
    expect(logged).toContain('request');
  });

  test('that an engine repeats in its reason for a failure are taken out of it', async () => {
    const simulated = await owner.createCluster();
    const name = unique('boom');
    await owner.call('POST', '/secrets', { name, value });
    const secrets = [{ name, env: 'SIM_START_FAIL' }];
    const failed = await owner.became((await owner.submit(simulated.id, { secrets })).id, 'failed');
    expect(failed).toMatchObject({ reason_code: 'start_failed', reason: expect.stringContaining('***') as string });
    expect(await databaseText()).not.toContain(value);
  });

  test('that cannot be decrypted fail the start, in words', async () => {
    const simulated = await owner.createCluster();
    const name = unique('lost');
    await owner.call('POST', '/secrets', { name, value });
    await service.sql("update secret set value_encrypted = '\\x0102' where name = $1", [name]);
    const secrets = [{ name, env: 'TOKEN' }];
    const failed = await owner.became((await owner.submit(simulated.id, { secrets })).id, 'failed');
    expect(failed.reason).toContain(`${name} can't be decrypted`);
    await owner.call('DELETE', `/secrets/${name}`);
  });

  test('with a new value: what runs keeps the one before, what starts gets the new one', async () => {
    const name = unique('rotated');
    await owner.call('POST', '/secrets', { name, value: 'first-value' });
    const secrets = [{ name, env: 'TOKEN' }];
    const running = await owner.submit(cluster.id, script(forever, { secrets }));
    await owner.became(running.id, 'running');
    await owner.call('PUT', `/secrets/${name}`, { value: 'second-value' });
    const [container] = await engine.containersOf([running.id]);
    const { Config } = await engine.docker.getContainer(container?.id ?? '').inspect();
    expect(Config.Env).toContain('TOKEN=first-value');
    expect(await said(owner, cluster, script('echo ${#TOKEN}', { secrets }))).toBe(`${'second-value'.length}\n`);
    await owner.stop(running.id);
  });

  test('that are gone when it starts fail the start, in words', async () => {
    const name = unique('gone');
    const small = await dockerCluster(owner);
    await owner.setSchedulable(small.id, false);
    await owner.call('POST', '/secrets', { name, value });
    const waiting = await owner.submit(small.id, script('true', { name: 'waits', secrets: [{ name, env: 'X' }] }));
    const refused = await owner.refused(409, 'DELETE', `/secrets/${name}`);
    expect(refused).toMatchObject({ code: 'secret_in_use', detail: expect.stringContaining('waits') as string });
    await owner.call('DELETE', `/secrets/${name}?force=true`);
    await owner.setSchedulable(small.id, true);
    const failed = await owner.became(waiting.id, 'failed');
    expect(failed.reason).toContain(`the secret ${name} is not there any more`);
  });
});

describe('files', () => {
  test('are there when it starts, with their modes, also where the image has others', async () => {
    const files = [
      { path: '/etc/group', content: 'root:x:0:\n' },
      { path: '/opt/tools/run.sh', content: '#!/bin/sh\necho ran\n', mode: '0755' },
      { path: '/etc/bytes', content: Buffer.from([0, 1, 255]).toString('base64'), encoding: 'base64' as const },
    ];
    const text =
      'cat /etc/group; /opt/tools/run.sh; wc -c < /etc/bytes; ls -ld /etc | cut -c1-10; cat /etc/passwd | wc -l';
    const deployment = await owner.submit(cluster.id, script(text, { files }));
    await owner.became(deployment.id, 'succeeded');
    expect((await logOf(owner, deployment.id)).split('\n').slice(0, 5)).toEqual([
      'root:x:0:',
      'ran',
      '3',
      'drwxr-xr-x',
      '1',
    ]);
    expect(deployment.files).toMatchObject([
      { path: '/etc/group', mode: '0644', size: 10 },
      { path: '/opt/tools/run.sh', mode: '0755' },
      { path: '/etc/bytes', size: 3 },
    ]);
    expect(JSON.stringify(await owner.deployment(deployment.id))).not.toContain('echo ran');
  });
});

describe('networks', () => {
  const reachAll =
    'for peer in $(echo $HYPERVISOR_PEERS | tr , " "); do until ping -c 1 -W 1 $peer >/dev/null 2>&1; do sleep 0.2; done; done; ' +
    'echo "rank $HYPERVISOR_RANK of $HYPERVISOR_WORLD_SIZE, master $HYPERVISOR_MASTER_ADDR, reached $HYPERVISOR_PEERS"; ';

  test('a gang of three: each reaches the others by name, and nobody else reaches them', async () => {
    const gang = await owner.submit(cluster.id, script(reachAll + forever, { kind: 'service', replicas: 3 }));
    expect(gang.network).toBe('private');
    await owner.became(gang.id, 'running');
    const peers = 'replica-0,replica-1,replica-2';
    for (const rank of [0, 1, 2]) {
      await until(`replica ${rank} has reached the others`, async () =>
        (await logOf(owner, gang.id, rank)).includes(`rank ${rank} of 3, master replica-0, reached ${peers}`),
      );
    }
    expect(await engineNetworks()).toContain(gang.id);

    const address = await addressOf(gang.id);
    expect(address).toMatch(/^10\.199\./);
    const ping = `ping -c 1 -W 2 ${address} >/dev/null 2>&1 && echo reached || echo not; ping -c 1 -W 2 replica-1 >/dev/null 2>&1 && echo reached || echo not`;
    for (const network of ['private', 'shared', 'none'] as const) {
      expect(await said(owner, cluster, script(ping, { network })), network).toBe('not\nnot\n');
    }
    await owner.stop(gang.id);
    await owner.became(gang.id, 'succeeded');
    await until('its network is gone', async () => !(await engineNetworks()).includes(gang.id));
  });

  test('each attempt has a network of its own, and ports are published from it', async () => {
    const serve = 'mkdir /www; echo hello > /www/index.html; httpd -f -p 8080 -h /www';
    const input = script(serve, { kind: 'service', network: 'private', ports: [{ container: 8080 }] });
    const { id } = await owner.submit(cluster.id, input);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await owner.became(id, 'running');
      const port = (await owner.deployment(id)).replica_states[0]?.ports[0]?.host;
      await until('it answers', async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
        return answer !== null && (await answer.text()) === 'hello\n';
      });
      await owner.stop(id);
      await owner.became(id, 'succeeded');
      if (attempt === 1) await owner.call('POST', `/deployments/${id}/retry`);
    }
    await until('its networks are gone', async () => !(await engineNetworks()).includes(id));
  });

  test('without any network, there is none', async () => {
    const text = 'ping -c 1 -W 1 127.0.0.1 >/dev/null && ip -o link | wc -l';
    expect(await said(owner, cluster, script(text, { network: 'none' }))).toBe('1\n');
  });

  test('what is left over of ours is removed, and nothing else', async () => {
    const labels = {
      'hypervisor.cluster': cluster.id,
      'hypervisor.deployment': '01900000-0000-7000-8000-000000000000',
      'hypervisor.attempt': '1',
    };
    const make = (name: string, third: number, given: Record<string, string>) =>
      engine.docker.createNetwork({
        Name: `hv-test-${unique(name)}`,
        Labels: { ...labels, ...given },
        IPAM: { Driver: 'default', Config: [{ Subnet: `10.198.${third}.0/28` }] },
      });
    const ours = await make('ours', 1, { 'hypervisor.installation': await installation() });
    const theirs = await make('theirs', 2, { 'hypervisor.installation': 'another' });
    await until('ours is gone', async () => !(await isThere(ours)));
    expect(await isThere(theirs)).toBe(true);
    await theirs.remove();
  });
});

describe('host paths', () => {
  test('are those that the cluster allows, read or written as it says, and links lead nowhere else', async () => {
    await mkdir(join(dir, 'sets'));
    await mkdir(join(dir, 'out'));
    await symlink('/etc', join(dir, 'out', 'link'));
    await symlink(join(dir, 'out'), join(dir, 'out', 'self'));
    const at = await dockerCluster(owner, {
      allowed_host_paths: [{ path: join(dir, 'sets') }, { path: join(dir, 'out'), read_only: false }],
    });
    await said(owner, at, script('echo written > /host/x', mount(join(dir, 'out'))));
    expect(await readFile(join(dir, 'out', 'x'), 'utf8')).toBe('written\n');
    expect(await said(owner, at, script('cat /host/x', mount(join(dir, 'out', 'self'))))).toBe('written\n');
    expect(await said(owner, at, script('touch /host/x || echo refused', mount(join(dir, 'sets'), true)))).toContain(
      'refused',
    );

    for (const [input, field] of [
      [mount(join(dir, 'sets')), 'volumes.0.read_only'],
      [mount('/etc', true), 'volumes.0.host_path'],
      [mount(`${dir}/output`, true), 'volumes.0.host_path'],
    ] as const) {
      const body = { cluster_id: at.id, ...script('true', input) };
      const refused = await owner.refused(422, 'POST', '/deployments', body);
      expect(refused).toMatchObject({ code: 'host_path_denied', errors: [{ field }] });
    }
    await owner.refused(400, 'POST', '/deployments', {
      cluster_id: at.id,
      ...script('true', mount(`${dir}/out/../../etc`)),
    });

    const failures = [
      [join(dir, 'out', 'link'), 'leads out of'],
      [join(dir, 'out', 'none'), 'there is no'],
    ] as const;
    for (const [path, words] of failures) {
      const failed = await owner.became((await owner.submit(at.id, script('true', mount(path)))).id, 'failed');
      expect(failed).toMatchObject({ reason_code: 'start_failed', reason: expect.stringContaining(words) as string });
    }
  });

  test('are opened to clusters by the operator only', async () => {
    const refused = await owner.ask<Problem>('PATCH', `/clusters/${cluster.id}`, {
      allowed_host_paths: [{ path: dir }, { path: '/etc' }],
    });
    expect(refused.body).toMatchObject({
      status: 403,
      code: 'operator_only',
      errors: [{ field: 'allowed_host_paths.1.path' }],
    });
    expect((await owner.cluster(cluster.id)).allowed_host_paths).toEqual([]);
  });
});
