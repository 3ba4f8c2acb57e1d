import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

/** The real command, as a process of its own, against a real service. */
const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));
let service: TestService;
let home: string;

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function hv(args: readonly string[], input = ''): Promise<Result> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], XDG_CONFIG_HOME: home, HOME: home, NO_COLOR: '1' };
    const child = execFile(process.execPath, [binary, ...args], { env, cwd: home }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
    child.stdin?.end(input);
  });
}

async function json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
  const { code, out, err } = await hv([...args, '--json']);
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as T;
}

const document = (name: string, ram: number) =>
  `cluster: local\nname: ${name}\ndocker_image: simulated/job\nram_required: ${ram}\ncpu_required: 1\nenv: { SIM_RUN_MS: '1' }\n`;

beforeAll(async () => {
  service = await startTestService();
  home = await mkdtemp(join(tmpdir(), 'hypervisor-cli-'));
  const registered = await hv(
    ['register', service.url, '--username', 'ada', '--email', 'ada@example.org', '--password-stdin'],
    'correct horse battery\n',
  );
  expect(registered.out).toContain('Signed in as ada');
  await hv(['org', 'create', 'analytical engines']);
  await hv(['cluster', 'create', 'local', '--ram', '8', '--cpu', '4', '--gpu', '1', '--runtime', 'simulated']);
});

afterAll(async () => {
  await service.stop();
  await rm(home, { recursive: true, force: true });
});

test('keeps the token in a file that only its owner can read', async () => {
  const path = join(home, 'hypervisor', 'config.json');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readFile(path, 'utf8')).toContain('hvs_');
  expect((await hv(['whoami'])).out).toContain('ada <ada@example.org>, owner of analytical engines');
});

describe('submit', () => {
  const job = ['submit', '--image', 'simulated/job', '--ram', '1', '--cpu', '1'];

  test('waits for a job, and ends with its exit code', async () => {
    expect((await hv([...job, '--env', 'SIM_RUN_MS=1', '--wait'])).code).toBe(0);
    const failed = await hv([...job, '--env', 'SIM_RUN_MS=1', '--env', 'SIM_EXIT_CODE=3', '--wait']);
    expect(failed.code).toBe(3);
    expect(failed.out).toContain('failed: exited with 3');
  });

  test('of a file submits all of it or nothing', async () => {
    const path = join(home, 'two.yaml');
    await writeFile(path, `${document('fits', 1)}---\n${document('never', 64)}`);
    const refused = await hv(['submit', '-f', path]);
    expect(refused.code).toBe(6);
    expect(refused.err).toContain('64 GB');
    expect((await hv(['describe', 'fits'])).code).toBe(4);
    await writeFile(path, `${document('one', 1)}---\n${document('two', 1)}`);
    expect((await hv(['submit', '-f', path])).out).toMatch(/one .* is queued[^]*two .* is queued/);
    expect((await hv(['wait', 'two'])).code).toBe(0);
  });

  test('says what is missing, and how it is written', async () => {
    const missing = await hv(['submit', '--image', 'x']);
    expect(missing).toMatchObject({ code: 2, out: '' });
    expect(missing.err).toContain('--ram, --cpu missing');
  });

  test('with the same idempotency key submits once', async () => {
    const once = [...job, '--name', 'once', '--env', 'SIM_RUN_MS=1', '--idempotency-key', 'k1'];
    const first = await json<{ id: string }>(once);
    expect((await json<{ id: string }>(once)).id).toBe(first.id);
  });
});

test('a life: submitted, described while it waits, shown in the queue, cancelled', async () => {
  await hv(['submit', '--image', 'simulated/service', '--name', 'blocker', '--service', '--ram', '8', '--cpu', '1']);
  const waits = await json<{ id: string }>([
    'submit',
    '--image',
    'simulated/job',
    '--name',
    'waits',
    '--ram',
    '8',
    '--cpu',
    '1',
  ]);
  await until(async () => (await hv(['ps'])).out.match(/blocker .*running/) !== null);
  const described = await hv(['describe', 'waits']);
  expect(described.out).toMatch(/waits +at position 1: needs 8 GB of RAM/);
  expect((await hv(['queue'])).out).toContain('waits');
  expect((await json<{ items: { deployment_id: string }[] }>(['queue'])).items.map((one) => one.deployment_id)).toEqual(
    [waits.id],
  );
  expect((await hv(['schedule', '--dry-run'])).out).toContain('1 queued: 0 would be admitted, 1 wait');
  expect((await hv(['priority', 'waits', '3'])).out).toContain('priority 3');
  expect((await hv(['stop', 'waits'])).code).toBe(5);
  expect((await hv(['cancel', waits.id.slice(-12)])).out).toContain('is cancelled now');
  expect((await hv(['stop', 'blocker'])).code).toBe(0);
  await until(async () => (await hv(['ps', '--all'])).out.match(/blocker .*succeeded/) !== null);
  expect((await hv(['delete', 'waits'])).code).toBe(0);
});

test('a policy is set in words, and shown', async () => {
  const { out } = await hv(['cluster', 'set-policy', '--preemption', 'on', '--min-run-time', '10m']);
  expect(out).toContain('what has run for 10m may be stopped for what is more important');
  const policy = { preemption: { enabled: true, min_run_time_s: 600 } };
  expect(await json(['cluster', 'describe'])).toMatchObject({ policy });
  expect((await hv(['cluster', 'set-policy', '--preemption', 'off'])).out).toContain('nothing is stopped');
  expect((await hv(['cluster', 'set-policy', '--preemption', 'perhaps'])).code).toBe(2);
  expect((await hv(['cluster', 'set-policy', '--backfill', 'learned'])).out).toContain(
    'expected to be short goes first',
  );
  expect((await hv(['cluster', 'describe'])).out).toContain('expected to be short goes first');
  expect((await hv(['cluster', 'set-policy', '--backfill', 'largest_set'])).out).toContain(
    'as many as can run go first',
  );
  expect((await hv(['cluster', 'set-policy', '--backfill', 'shortest'])).code).toBe(2);
});

test('nodes are labelled, cordoned and asked for', async () => {
  const extra = ['node', 'add', 'extra', '--ram', '4', '--cpu', '2', '--gpu', '1', '--gpu-memory', '80'];
  expect((await hv([...extra, '--label', 'zone=b'])).code).toBe(0);
  expect((await hv(['nodes', 'list'])).out).toMatch(/extra .*generic \(80 GB\).*zone=b/);
  expect((await hv(['node', 'label', 'extra', 'disk=ssd', 'zone-'])).out).toBe('extra: disk=ssd\n');
  expect((await hv(['node', 'label', 'extra', 'disk'])).err).toContain('must be written NAME=value');
  const where = ['--gpu', '1', '--gpu-memory', '80', '--node-label', 'disk=ssd', '--max-per-node', '1'];
  const job = ['submit', '--image', 'simulated/job', '--ram', '1', '--cpu', '1', '--env', 'SIM_RUN_MS=1', ...where];
  expect((await hv([...job, '--name', 'picky', '--wait'])).code).toBe(0);
  const { out } = await hv(['describe', 'picky']);
  expect(out).toMatch(/asks for .*80 GB on each GPU, nodes with disk=ssd/);
  expect(out).toContain('extra');
  expect((await hv([...job, '--replicas', '2'])).err).toContain('2 replicas');
  expect((await hv(['nodes', 'cordon', 'extra'])).out).toContain('Nothing new is placed there');
  expect((await hv(['nodes', 'list'])).out).toMatch(/extra .*cordoned/);
  expect((await hv(['nodes', 'uncordon', 'extra'])).code).toBe(0);
  expect((await hv(['node', 'drain', 'extra', '--deadline', '1h', '--wait'])).out).toContain('extra is drained.');
  expect((await hv(['nodes', 'list'])).out).toMatch(/extra +drained/);
  expect((await hv(['node', 'uncordon', 'extra'])).code).toBe(0);
  expect((await hv(['node', 'maintenance', 'add', 'extra', '--from', 'soon', '--for', '1h'])).err).toContain(
    'is no time',
  );
  const planned = await hv(['node', 'maintenance', 'add', 'extra', '--from', 'in 2h', '--for', '1h', '--json']);
  const { id } = JSON.parse(planned.out) as { id: string };
  expect((await hv(['node', 'maintenance', 'list'])).out).toMatch(/extra +planned/);
  expect((await hv(['node', 'maintenance', 'delete', id])).code).toBe(0);
  const unsafe = await hv(['engine', 'add', 'far', 'tcp://example.com', '--tls-ca', 'ca.pem']);
  expect(unsafe.err).toContain('--tls-cert and --tls-key are missing');
  expect((await hv(['engine', 'add', 'far', 'tcp://example.com'])).err).toContain('whoever reaches the port');
  expect((await hv(['engine', 'list'])).code).toBe(0);
  expect((await hv(['node', 'delete', 'extra'])).code).toBe(0);
});

test('logs tell standard output from standard error', async () => {
  const env = ['--env', 'SIM_RUN_MS=1', '--env', 'SIM_LOG=to out', '--env', 'SIM_LOG_STDERR=to err'];
  await hv(['submit', '--image', 'simulated/job', '--name', 'talks', '--ram', '1', '--cpu', '1', '--wait', ...env]);
  expect(await hv(['logs', 'talks'])).toEqual({ code: 0, out: 'to out\n', err: 'to err\n' });
});

test('secrets are set from standard input or a file, listed without their values, and deleted', async () => {
  const value = 'sesame-of-the-cli';
  expect(await hv(['secret', 'set', 'db'], `${value}\n`)).toMatchObject({ code: 0, out: 'Made db.\n' });
  const path = join(home, 'value.bin');
  await writeFile(path, Buffer.from([0, 1, 2, 255]));
  expect((await hv(['secret', 'set', 'db', '--from-file', path])).out).toContain('version 2');
  const listed = await json<{ items: { name: string; version: number }[] }>(['secret', 'list']);
  expect(listed.items).toMatchObject([{ name: 'db', version: 2 }]);
  expect((await hv(['secret', 'set', 'empty'], '\n')).code).toBe(6);
  expect((await hv(['secret', 'set', 'db', '--from-file', join(home, 'none')])).code).toBe(2);

  await hv(['secret', 'set', 'token'], value);
  const submit = ['submit', '--image', 'simulated/job', '--name', 'refers', '--ram', '1', '--cpu', '1'];
  expect((await hv([...submit, '--secret', 'nothing:TOKEN'])).err).toContain('there is no such secret');
  const deployment = await json<{ id: string; secrets: unknown }>([...submit, '--secret', 'token:TOKEN']);
  expect(deployment.secrets).toEqual([{ name: 'token', env: 'TOKEN' }]);
  const refused = await hv(['secret', 'delete', 'token']);
  expect(refused.code).toBe(5);
  expect(refused.err).toContain('refer to it: refers');
  await hv(['cancel', 'refers']);
  await hv(['wait', 'refers']);
  expect((await hv(['secret', 'delete', 'token'])).code).toBe(0);
  expect((await hv(['secret', 'delete', 'token'])).code).toBe(4);
  expect((await hv(['secret', 'rotate-key'])).code).toBe(3);
  const everything = await service.sql<{ text: string }>('select json_agg(e)::text as text from event e');
  expect(everything[0]?.text).not.toContain(value);
});

test('volumes are made, used, listed and deleted; files and networks are options too', async () => {
  expect((await hv(['volume', 'create', 'data'])).out).toContain('Made data in local');
  expect((await hv(['volume', 'create', 'data'])).code).toBe(5);
  const config = join(home, 'app.conf');
  await writeFile(config, 'from a file');
  const submit = ['submit', '--image', 'simulated/job', '--name', 'writer', '--ram', '1', '--cpu', '1', '--wait'];
  const data = ['--volume', 'data:/data', '--config-file', `${config}:/etc/app.conf:0600`, '--network', 'none'];
  const env = ['--env', 'SIM_RUN_MS=1', '--env', 'SIM_WRITE=/data/x=12345', '--env', 'SIM_READ=/etc/app.conf'];
  expect((await hv([...submit, ...data, ...env])).code).toBe(0);
  expect((await hv(['logs', 'writer'])).out).toBe('from a file\n');
  expect((await hv(['volume', 'list'])).out).toMatch(/data +ready +5 B/);
  expect((await hv(['volume', 'create', 'more', '--engine', 'nowhere'])).err).toContain('engine');
  expect((await hv(['volume', 'create', 'more', '--engine', 'nowhere', '--own-engine'])).code).toBe(2);
  expect((await hv(['volumes', 'create', 'more', '--own-engine'])).out).toContain('Made more in local.');
  expect((await hv(['volume', 'delete', 'more'])).code).toBe(0);
  expect((await hv([...submit, '--volume', 'nothing'])).code).toBe(2);
  expect((await hv(['volume', 'delete', 'nothing'])).code).toBe(4);
  expect((await hv(['volume', 'delete', 'data'])).code).toBe(0);
  expect((await hv(['cluster', 'set-host-paths', 'local', '/srv'])).code).toBe(3);
});

test('what can not be done is told in plain words, with an exit code for scripts', async () => {
  expect(await hv(['describe', 'nobody'])).toMatchObject({ code: 4, out: '' });
  expect((await hv(['cluster', 'delete', 'nowhere'])).err).toContain('There are: local');
  expect((await hv(['bogus'])).code).toBe(2);
  const away = await hv(['ps', '--url', 'http://127.0.0.1:9']);
  expect(away.code).toBe(7);
  expect(away.err).toContain('Start Hypervisor with: npm start');
  expect((await hv(['ps', '--token', 'hvs_wrong'])).code).toBe(3);
  for (const result of [away]) expect(result.err).not.toMatch(/\n {4}at /);
});

test('completion knows every command', async () => {
  const { out } = await hv(['completion', 'bash']);
  expect(out).toContain('"cluster") choices="create list describe set-policy delete');
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
