/** `hv plan`, `apply`, `diff` and `webhook`: the real command against a real service. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOwner } from '../conformance/client.ts';
import { isSignedWith, type Receiver, startReceiver } from '../support/receiver.ts';
import { startTestService, type TestService } from '../support/service.ts';

const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));
let service: TestService;
let receiver: Receiver;
let home: string;
let env: NodeJS.ProcessEnv;

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function hv(args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [binary, ...args], { env, cwd: home }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
    child.stdin?.end();
  });
}

beforeAll(async () => {
  receiver = await startReceiver();
  service = await startTestService({ config: { webhookAllow: ['127.0.0.1'] } });
  home = await mkdtemp(join(tmpdir(), 'hypervisor-cli-'));
  const owner = await newOwner(service.url);
  await owner.createCluster({ name: 'local', ram: 8, cpu: 4, gpu: 1 });
  env = {
    PATH: process.env['PATH'],
    XDG_CONFIG_HOME: home,
    HOME: home,
    NO_COLOR: '1',
    HYPERVISOR_URL: service.url,
    HYPERVISOR_TOKEN: owner.token ?? '',
  };
});

afterAll(async () => {
  await service.stop();
  await receiver.close();
  await rm(home, { recursive: true, force: true });
});

const document = (name: string, lines: readonly string[] = []) =>
  [
    `name: ${name}`,
    'kind: service',
    'docker_image: simulated/service',
    'ram_required: 1',
    'cpu_required: 0.5',
    ...lines,
    '',
  ].join('\n');

async function fileOf(...documents: string[]): Promise<string> {
  const path = join(home, 'team.yaml');
  await writeFile(path, documents.join('---\n'));
  return path;
}

test('a file is planned, applied, applied again, changed and compared', async () => {
  const path = await fileOf(document('web'), document('api', ['gpu_required: 1']));
  const planned = await hv(['plan', '-f', path]);
  expect(planned).toMatchObject({ code: 0, err: '' });
  expect(planned.out).toMatch(/\+ web is new: [^]*it starts now on node-1[^]*\+ api is new/);
  expect(planned.out).toContain('replica 0 on node-1: GPU 0');
  expect(planned.out).toContain('2 in all: 2 start now. Nothing was changed.');
  expect((await hv(['diff', '-f', path])).code).toBe(1);
  const applied = await hv(['apply', '-f', path]);
  expect(applied.out).toMatch(/web \(\w+\) created: it is queued\napi \(\w+\) created/);
  expect((await hv(['apply', '-f', path])).out).toMatch(/web .* unchanged: [^]*api .* unchanged: /);
  expect(await hv(['diff', '-f', path])).toEqual({ code: 0, out: 'Nothing differs.\n', err: '' });
  await until(async () => (await hv(['ps'])).out.match(/running/g)?.length === 2);

  await fileOf(document('web', ['env: { LEVEL: debug }']), document('api', ['gpu_required: 1']));
  const rolls = await hv(['diff', '-f', path]);
  expect(rolls).toMatchObject({ code: 1, err: '' });
  expect(rolls.out).toBe(
    '~ web changes in its place: it is running, and is updated one replica after the other\n    + env.LEVEL: debug\n',
  );
  expect((await hv(['plan', '-f', path])).out).toContain('1 are changed while they run');
  const updated = await hv(['apply', '-f', path]);
  expect(updated.out).toMatch(/web \(\w+\) updated: it is running\n {4}\+ env\.LEVEL: debug\napi \(\w+\) unchanged/);

  const lines = ['env: { LEVEL: debug }', 'labels: { team: web }'];
  await fileOf(document('web', lines), document('api', ['gpu_required: 1']));
  const differs = await hv(['diff', '-f', path]);
  expect(differs).toMatchObject({ code: 1, err: '' });
  expect(differs.out).toBe(
    '! web can not be applied: it is running, and differs in labels.team\n    + labels.team: web\n',
  );
  const refused = await hv(['apply', '-f', path]);
  expect(refused.code).toBe(5);
  expect(refused.err).toContain('hv apply --replace');
  expect((await hv(['plan', '-f', path])).code).toBe(5);
  // Nobody can be asked here.
  const unasked = await hv(['apply', '-f', path, '--replace']);
  expect(unasked.code).toBe(2);
  expect(unasked.err).toContain('this would end web (running)');
  const replaced = await hv(['apply', '-f', path, '--replace', '--yes']);
  expect(replaced.out).toMatch(/web \(\w+\) replaced: it is \w+\n {4}\+ labels\.team: web\napi \(\w+\) unchanged/);
});

test('what a set does not declare any more is taken away', async () => {
  const path = await fileOf(document('one', ['priority: 60']), document('two', ['priority: 60']));
  expect((await hv(['apply', '-f', path, '--file-set', 'pair'])).code).toBe(0);
  await fileOf(document('one', ['priority: 60']));
  expect((await hv(['apply', '-f', path, '--prune'])).err).toContain('--prune needs --file-set');
  const set = ['-f', path, '--file-set', 'pair', '--prune'];
  expect((await hv(['diff', ...set])).out).toMatch(/^- two is taken away: it is \w+, and not declared any more\n$/);
  expect((await hv(['apply', ...set])).code).toBe(2);
  expect((await hv(['apply', ...set, '--yes'])).out).toMatch(/one .* unchanged: [^]*two .* pruned: /);
  expect((await hv(['diff', ...set])).code).toBe(0);
});

test('what can never be is said by the plan, and what is wrong with a file ends as it does elsewhere', async () => {
  const path = await fileOf(document('huge').replace('ram_required: 1', 'ram_required: 64'));
  const planned = await hv(['plan', '-f', path]);
  expect(planned.code).toBe(6);
  expect(planned.out).toContain('it would be refused: ram_required asks for 64 GB');
  const nameless = await fileOf(document('x').replace('name: x\n', ''));
  for (const command of ['plan', 'apply', 'diff']) {
    const { code, err } = await hv([command, '-f', nameless]);
    expect({ code, err }).toMatchObject({ code: 6, err: expect.stringContaining('deployments.0.name is missing') });
    expect((await hv([command, '-f', join(home, 'nowhere.yaml')])).code).toBe(2);
  }
});

test('a webhook is made, tested, looked at and deleted', async () => {
  const url = `http://127.0.0.1:${receiver.port}/cli`;
  const created = await hv(['webhook', 'create', url, '--event', 'cluster.*', '--cluster', 'local', '--json']);
  const { id, secret } = JSON.parse(created.out) as { id: string; secret: string };
  expect(await hv(['webhook', 'test', url])).toMatchObject({
    code: 0,
    out: expect.stringContaining('It answered with 204'),
  });
  expect(isSignedWith(receiver.on('/cli')[0]!, secret)).toBe(true);
  expect((await hv(['webhook', 'list'])).out).toMatch(new RegExp(`${id.slice(-12)} +${url} +cluster\\.\\* +enabled`));
  expect((await hv(['webhook', 'describe', id.slice(-12)])).out).toMatch(
    /clusters +local[^]*webhook\.test +succeeded +1 +204/,
  );
  const { items } = JSON.parse((await hv(['webhook', 'deliveries', url, '--json'])).out) as { items: { id: string }[] };
  expect((await hv(['webhook', 'redeliver', url, items[0]!.id.slice(-12)])).code).toBe(0);
  await until(async () => receiver.on('/cli').length === 2);
  expect((await hv(['webhook', 'disable', url])).out).toContain('is disabled');
  expect((await hv(['webhook', 'redeliver', url, items[0]!.id])).code).toBe(5);
  expect((await hv(['webhook', 'enable', url])).out).toContain('is enabled');
  receiver.answer = (_one, response) => response.writeHead(500).end();
  const failed = await hv(['webhook', 'test', url]);
  expect(failed.code).toBe(1);
  expect(failed.out).toContain('It answered with 500, and not with 2xx.');
  expect((await hv(['webhook', 'create', 'http://10.0.0.1/'])).err).toContain('internal address (private)');
  expect((await hv(['webhook', 'delete', url])).code).toBe(0);
  expect((await hv(['webhook', 'describe', url])).code).toBe(4);
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
