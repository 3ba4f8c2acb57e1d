/** Seeing into real containers: by the API as any client, and by the command as people do. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Client,
  type Cluster,
  type Deployment,
  newMember,
  newOwner,
  unique,
  until,
} from '../conformance/client.ts';
import { tarOf, untar } from '../conformance/seeing-in.suite.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { openTalk, refusedTalk, type TestTalk } from '../support/talk.ts';

const engine = requireEngine();
const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));
let service: TestService;
let owner: Client;
let cluster: Cluster;
let running: Deployment;
let home: string;

const port = 7007;
const shell = (script: string) => ({
  docker_image: engine.image,
  command: ['sh', '-c', script],
  ram_required: 0.05,
  cpu_required: 0.25,
});

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ runtime: 'docker', ram: 8, cpu: 16 });
  home = await mkdtemp(join(tmpdir(), 'hypervisor-seeing-in-'));
  running = await submit(`while true; do nc -l -p ${port} -e cat; done`);
});
afterAll(async () => {
  await service.stop();
  await rm(home, { recursive: true, force: true });
});

async function submit(script: string, given: object = {}): Promise<Deployment> {
  const made = await owner.submit(cluster.id, { name: unique('box'), ...shell(script), ...given });
  await owner.became(made.id, 'running', 'succeeded', 'failed');
  return made;
}

const bearer = (client: Client) => ({ authorization: `Bearer ${client.token}` });
const pathOf = (id: string, rest: string) => `${service.url}/api/v1/deployments/${id}/${rest}`;

function execPath(command: readonly string[], given: Record<string, string> = {}, id = running.id): string {
  const query = new URLSearchParams(given);
  for (const word of command) query.append('command', word);
  return pathOf(id, `exec?${query.toString()}`);
}

const exec = (command: readonly string[], given?: Record<string, string>, id?: string): Promise<TestTalk> =>
  openTalk(execPath(command, given, id), { headers: bearer(owner) });

/** What runs until it is let go, in each of its containers by itself. */
const untilLetGo = 'until [ -e /tmp/go ]; do sleep 0.1; done';
async function letGo(id: string, replica = 0): Promise<void> {
  const talk = await exec(['touch', '/tmp/go'], { replica: String(replica) }, id);
  await talk.closed;
}

/** The problem that a command is refused with. */
const ask = (client: Client, command: readonly string[] = ['true'], given = {}, id = running.id) =>
  refusedTalk(execPath(command, given, id), bearer(client));
const filesPath = (path: string, id = running.id) => `/deployments/${id}/files?path=${encodeURIComponent(path)}`;
const forwardTo = (to: number) =>
  openTalk(pathOf(running.id, `port-forward?port=${to}`), { headers: bearer(owner), streams: false });
const put = (path: string, body: Buffer, type = 'application/x-tar') =>
  owner.fetch(`/api/v1${filesPath(path)}`, { method: 'PUT', headers: { 'content-type': type }, body });

/** Lines, whatever their order. */
const texts = (lines: readonly object[]) => lines.map((line) => JSON.stringify(line)).toSorted();

/** The command lines in the container of a deployment, as the engine lists them. */
async function processesOf(id: string): Promise<string> {
  const [container] = await engine.containersOf([id]);
  const { Processes } = (await engine.docker.getContainer(container?.id ?? '').top()) as { Processes: string[][] };
  return Processes.map((fields) => fields.join(' ')).join('\n');
}

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const env = () => ({
  PATH: process.env['PATH'],
  HOME: home,
  XDG_CONFIG_HOME: home,
  NO_COLOR: '1',
  HYPERVISOR_URL: service.url,
  HYPERVISOR_TOKEN: owner.token ?? '',
});

function hv(args: readonly string[], input: string | null = ''): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [binary, ...args], { env: env(), cwd: home }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
    if (input !== null) child.stdin?.end(input);
  });
}

describe('exec', () => {
  test('both outputs, input to its end, and the exit code', async () => {
    const talk = await exec(['sh', '-c', 'read name; echo "hello $name"; echo oops >&2; cat; exit 3']);
    talk.input('ada\n');
    talk.input('the rest');
    talk.tell({ type: 'end' });
    expect(await talk.closed).toBe(1000);
    expect(talk.said).toEqual({ stdout: 'hello ada\nthe rest', stderr: 'oops\n' });
    expect(talk.messages).toEqual([{ type: 'exit', code: 3 }]);
  });

  test('a terminal of the size that is asked for, and that changes', async () => {
    const talk = await exec(['sh'], { tty: 'true', columns: '91', rows: '23' });
    talk.input('stty size\n');
    await expect.poll(() => talk.said.stdout, { timeout: 60_000 }).toContain('23 91\r\n');
    talk.tell({ type: 'resize', columns: 120, rows: 40 });
    await until('the size is another', async () => {
      talk.input('stty size\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      return talk.said.stdout.includes('40 120\r\n');
    });
    talk.input('exit 7\n');
    expect(await talk.closed).toBe(1000);
    expect(talk.messages).toEqual([{ type: 'exit', code: 7 }]);
  });

  test('much of it comes through both ways, at the pace of who reads', async () => {
    const talk = await exec(['cat']);
    const line = 'x'.repeat(65_535);
    for (let n = 0; n < 200; n += 1) talk.input(`${line}\n`);
    talk.tell({ type: 'end' });
    expect(await talk.closed).toBe(1000);
    expect(talk.said.stdout).toHaveLength(200 * 65_536);
  });

  test.each(['true', 'false'])(
    'who goes away takes the command along, with all it started (terminal: %s)',
    async (tty) => {
      const mark = tty === 'true' ? '4101' : '4102';
      const talk = await exec(['sh', '-c', `sleep ${mark} & sleep ${mark}; echo never`], { tty });
      const marked = async () => (await processesOf(running.id)).split('\n').filter((line) => line.includes(mark));
      await until('it runs', async () => (await marked()).length === 3);
      talk.socket.terminate();
      await until('it has ended', async () => (await marked()).length === 0);
      // The container's own program goes on.
      expect(await processesOf(running.id)).toContain('nc -l');
    },
  );

  test('is told as an event: who, where and which command, and nothing that was typed', async () => {
    const deployment = await submit('sleep 3600');
    const talk = await exec(['sh', '-c', 'cat > /dev/null'], {}, deployment.id);
    talk.input('a secret that was typed');
    talk.tell({ type: 'end' });
    await talk.closed;
    await service.eventsTold();
    const events = await owner.eventsOf(deployment.id);
    const told = events.filter((event) => event.type === 'deployment.exec');
    expect(told).toMatchObject([
      {
        message: 'runs a command in replica 0: sh -c "cat > /dev/null"',
        data: { replica: 0, attempt: 1, command: ['sh', '-c', 'cat > /dev/null'], tty: false },
        actor_id: (await owner.me()).user.id,
      },
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('ends when the container does', async () => {
    const deployment = await submit('sleep 3600');
    const talk = await exec(['sleep', '3600'], {}, deployment.id);
    await owner.stop(deployment.id);
    await talk.closed;
    expect(talk.messages).toHaveLength(1);
    expect(talk.messages[0]).not.toMatchObject({ code: 0 });
  });

  test('of what there is not, is told in words', async () => {
    const talk = await exec(['no-such-command']);
    await talk.closed;
    expect(talk.said.stderr).toContain('there is no command "no-such-command" in the image');
    expect(talk.messages).toMatchObject([{ type: 'exit', code: expect.any(Number) }]);
  });

  test.each([
    ['no JSON', '{'],
    ['no message that there is', '{"type":"shout"}'],
    ['a size that is none', '{"type":"resize","columns":0,"rows":-1}'],
    ['more than was meant', '{"type":"end","__proto__":{"x":1},"x":2}'],
  ])('a message that is %s ends it, and the command', async (_, text) => {
    const talk = await exec(['sleep', '4103']);
    talk.socket.send(text);
    expect(await talk.closed).toBe(1008);
    expect(talk.messages).toMatchObject([{ type: 'error', code: 'validation_failed' }]);
    await until('it has ended', async () => !(await processesOf(running.id)).includes('4103'));
  });
});

describe('what stands against it is answered before', () => {
  test('a viewer may look, and no more', async () => {
    const viewer = await newMember(owner, 'viewer');
    expect(await ask(viewer)).toMatchObject({ status: 403, code: 'role_too_low' });
    const forward = pathOf(running.id, `port-forward?port=${port}`);
    expect(await refusedTalk(forward, bearer(viewer))).toMatchObject({ status: 403 });
    for (const path of [`files?path=/tmp`, `files/info?path=/tmp`]) {
      expect(await viewer.refused(403, 'GET', `/deployments/${running.id}/${path}`)).toMatchObject({
        code: 'role_too_low',
      });
    }
    expect(await viewer.get(`/deployments/${running.id}/stats`)).toMatchObject({ deployment_id: running.id });
  });

  test("another organization's is not there", async () => {
    const stranger = await newOwner(service.url);
    expect(await ask(stranger)).toMatchObject({ status: 404, code: 'not_found' });
    const forward = pathOf(running.id, `port-forward?port=${port}`);
    expect(await refusedTalk(forward, bearer(stranger))).toMatchObject({ status: 404 });
    for (const path of ['stats', 'stats/stream', 'files?path=/tmp', 'files/info?path=/tmp', 'logs?replica=all']) {
      await stranger.refused(404, 'GET', `/deployments/${running.id}/${path}`);
    }
    const upload = { method: 'PUT', headers: { 'content-type': 'application/x-tar' }, body: Buffer.alloc(1024) };
    expect((await stranger.fetch(`/api/v1/deployments/${running.id}/files?path=/tmp`, upload)).status).toBe(404);
  });

  test('nobody is let in without a token, nor with a cookie from another site', async () => {
    expect(await refusedTalk(execPath(['true']), {})).toMatchObject({ status: 401, code: 'unauthenticated' });
    const cookie = `hypervisor_session=${owner.token}`;
    const strange: Record<string, string>[] = [
      { cookie, origin: 'https://evil.example' },
      { cookie, origin: 'null' },
      { cookie, 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of strange) {
      expect(await refusedTalk(execPath(['true']), headers)).toMatchObject({ status: 403, code: 'cross_site' });
    }
    const own = await openTalk(execPath(['true']), { headers: { cookie, origin: service.url } });
    expect(await own.closed).toBe(1000);
  });

  test('what does not run, and replicas that there are not', async () => {
    const over = await submit('true', { kind: 'job' });
    await owner.became(over.id, 'succeeded');
    const waiting = await owner.submit(cluster.id, { ...shell('true'), ram_required: 8, cpu_required: 16 });
    expect(await ask(owner, ['true'], {}, over.id)).toMatchObject({
      status: 409,
      code: 'not_running',
      detail: expect.stringMatching(/^Replica 0 does not run: it has ended, and the deployment is succeeded\./),
    });
    expect(await ask(owner, ['true'], {}, waiting.id)).toMatchObject({
      status: 409,
      detail: expect.stringMatching(/^Replica 0 does not run: the deployment is queued\./),
    });
    await owner.refused(409, 'GET', `/deployments/${waiting.id}/files?path=/tmp`);
    await owner.cancel(waiting.id);
    expect(await ask(owner, ['true'], { replica: '1' })).toMatchObject({
      status: 404,
      detail: expect.stringMatching(/There is no replica 1: they count from 0 to 0/),
    });
  });

  test.each<[string, string[], Record<string, string>]>([
    ['command', [], {}],
    ['command', [''], {}],
    ['command', ['a\u0000b'], {}],
    ['replica', ['true'], { replica: '-1' }],
    ['replica', ['true'], { replica: 'first' }],
    ['columns', ['true'], { tty: 'true', columns: '0' }],
    ['rows', ['true'], { tty: 'true', rows: '1e9' }],
    ['tty', ['true'], { tty: 'perhaps' }],
    ['shell', ['true'], { shell: 'sh' }],
  ])('%s is named where it is wrong (%j %j)', async (field, command, given) => {
    const { status, errors = [] } = await ask(owner, command, given);
    expect(status).toBe(400);
    expect(errors.map((error) => error.field.split('.')[0])).toEqual([field]);
  });

  test('a plain request is told that it takes an upgrade', async () => {
    await owner.refused(426, 'GET', `/deployments/${running.id}/exec?command=true`);
    await owner.refused(426, 'GET', `/deployments/${running.id}/port-forward?port=80`);
  });
});

describe('files', () => {
  test('go in and come out', async () => {
    const answer = await put('/tmp', await buffer(tarOf({ 'note äöü': 'hello' })));
    expect(answer.status).toBe(204);
    expect(
      await owner.get(`/deployments/${running.id}/files/info?path=${encodeURIComponent('/tmp/note äöü')}`),
    ).toMatchObject({
      path: '/tmp/note äöü',
      kind: 'file',
      size_bytes: 5,
    });
    const got = await owner.fetch(`/api/v1${filesPath('/tmp/note äöü')}`);
    expect(got.headers.get('content-type')).toBe('application/x-tar');
    const [entry] = await untar(Readable.from([Buffer.from(await got.arrayBuffer())]));
    expect(entry?.content).toBe('hello');
    await service.eventsTold();
    const types = (await owner.eventsOf(running.id)).map((event) => event.type);
    expect(types).toEqual(expect.arrayContaining(['deployment.files_in', 'deployment.files_out']));
  });

  test.each<[string, number, string, () => Promise<Buffer>, string?]>([
    ['/no/such', 404, 'not_found', () => buffer(tarOf({ a: '1' }))],
    ['/etc/hostname', 422, 'unusable', () => buffer(tarOf({ a: '1' }))],
    ['/tmp', 422, 'unusable', async () => Buffer.alloc(2048, 'x')],
    ['/tmp', 422, 'unusable', async () => gzipSync(await buffer(tarOf({ a: '1' })))],
    ['tmp', 400, 'validation_failed', () => buffer(tarOf({ a: '1' }))],
    ['/tmp', 415, 'unsupported_media_type', async () => Buffer.from('{}'), 'application/json'],
  ])('into %s are refused with %i %s', async (path, status, code, body, type) => {
    const answer = await put(path, await body(), type);
    expect(await answer.json()).toMatchObject({ status, code });
  });

  test('that are not there', async () => {
    await owner.refused(404, 'GET', filesPath('/no/such'));
    await owner.refused(404, 'GET', `/deployments/${running.id}/files/info?path=/no/such`);
    await owner.refused(400, 'GET', filesPath('relative'));
    await owner.refused(400, 'GET', `/deployments/${running.id}/files`);
  });
});

describe('ports', () => {
  test('of the container are reached, both ways and to the end', async () => {
    const talk = await forwardTo(port);
    const sent = 'ping äöü '.repeat(50_000);
    for (let at = 0; at < sent.length; at += 50_000) talk.input(sent.slice(at, at + 50_000));
    talk.tell({ type: 'end' });
    expect(await talk.closed).toBe(1000);
    expect(talk.said.stdout).toBe(sent);
    expect(talk.messages).toEqual([{ type: 'end' }]);
  });

  test('where nobody listens: told in words', async () => {
    const talk = await forwardTo(9);
    expect(await talk.closed).toBe(1011);
    expect(talk.messages).toEqual([
      { type: 'error', code: 'conflict', message: 'Nobody listens on port 9 of the container.' },
    ]);
  });

  test.each(['0', '65536', 'http', '80 ', '1.5'])('port "%s" is refused', async (text) => {
    const url = pathOf(running.id, `port-forward?port=${encodeURIComponent(text)}`);
    const problem = await refusedTalk(url, bearer(owner)).catch(() => null);
    // A number with a space around is one.
    if (text !== '80 ') expect(problem).toMatchObject({ status: 400, errors: [{ field: 'port' }] });
  });
});

describe('stats', () => {
  test('what is used, next to what was asked for; after the end what was seen', async () => {
    const busy = await submit('while true; do true; done', { ram_required: 1, cpu_required: 0.5 });
    const stats = await owner.get<{ replicas: { used: { cpu: number; ram: number } }[] }>(
      `/deployments/${busy.id}/stats`,
    );
    expect(stats).toMatchObject({
      attempt: 1,
      asked: { ram: 1, cpu: 0.5, gpu: 0 },
      replicas: [{ replica: 0, status: 'running', used: { gpus: null }, peak_ram: expect.any(Number) }],
      hints: [],
    });
    const [{ used } = { used: { cpu: Number.NaN, ram: Number.NaN } }] = stats.replicas;
    expect(used.cpu).toBeGreaterThan(0);
    expect(used.ram).toBeLessThan(1);
    await owner.stop(busy.id);
    await owner.became(busy.id, 'succeeded');
    expect(await owner.get(`/deployments/${busy.id}/stats`)).toMatchObject({
      replicas: [{ status: 'ended', used: null, peak_ram: expect.any(Number), cpu_seconds: expect.any(Number) }],
    });
    expect((await owner.deployment(busy.id)).replica_states[0]?.cpu_seconds).toBeGreaterThan(0);
  });

  test('far too large a request is told once it has been watched for a minute, also after the end', async () => {
    const idle = await submit('sleep 3600', { ram_required: 2 });
    await owner.get(`/deployments/${idle.id}/stats`);
    expect((await owner.deployment(idle.id)).hints).toEqual([]);
    // As if it had begun a minute earlier.
    await service.sql("update replica set started_at = started_at - interval '1 minute' where deployment_id = $1", [
      idle.id,
    ]);
    const hint = /^asks for 2 GB of memory and never used more than 0(\.\d+)?: 0\.1 would be enough$/;
    expect(await owner.get(`/deployments/${idle.id}/stats`)).toMatchObject({ hints: [expect.stringMatching(hint)] });
    await owner.stop(idle.id);
    await owner.became(idle.id, 'succeeded');
    expect((await owner.deployment(idle.id)).hints).toEqual([expect.stringMatching(hint)]);
    const { out } = await hv(['describe', idle.id]);
    expect(out).toMatch(/hint +it asks for 2 GB of memory/);
  });

  test('as a stream, until it ends', async () => {
    const short = await submit(untilLetGo, { kind: 'job' });
    const answer = await owner.fetch(`/api/v1/deployments/${short.id}/stats/stream`);
    let text = '';
    let isLetGo = false;
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (isLetGo || !text.includes('\n')) continue;
      isLetGo = true;
      await letGo(short.id);
    }
    const documents = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { replicas: object[] });
    expect(documents.length).toBeGreaterThan(1);
    expect(documents.at(-1)?.replicas).toMatchObject([{ status: 'ended', used: null }]);
  });
});

describe('logs of several replicas', () => {
  let both: Deployment;
  // None says its second line before both have said their first one.
  const script = `echo "one of $HYPERVISOR_REPLICA"; ${untilLetGo}; echo "two of $HYPERVISOR_REPLICA" >&2; sleep 1; echo three`;
  let following: Promise<Line[]>;
  beforeAll(async () => {
    both = await submit(script, { kind: 'job', replicas: 2 });
    following = read('replica=all&follow=true');
    await until('both have said their first line', async () => (await read('replica=all')).length === 2);
    for (const replica of [0, 1]) await letGo(both.id, replica);
  });

  interface Line {
    replica: number;
    attempt: number;
    stream: string;
    at: string;
    text: string;
  }
  const read = async (query: string): Promise<Line[]> => {
    const text = await owner.get<string>(`/deployments/${both.id}/logs?format=ndjson&${query}`);
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
  };

  test('followed to the end, and read afterwards in the order of time', async () => {
    const followed = await following;
    await owner.became(both.id, 'succeeded');
    const lines = await read('replica=all');
    expect(lines).toHaveLength(6);
    const times = lines.map((line) => line.at);
    expect(times).toEqual(times.toSorted());
    expect(texts(followed)).toEqual(texts(lines));
    expect(new Set(lines.slice(0, 2).map((line) => line.text))).toEqual(new Set(['one of 0', 'one of 1']));
    expect(lines.every((line) => line.attempt === 1)).toBe(true);
  });

  test('one replica, one stream, the last of each', async () => {
    await owner.became(both.id, 'succeeded');
    expect((await read('replica=1')).map((line) => line.text)).toEqual(['one of 1', 'two of 1', 'three']);
    expect((await read('replica=all&stream=stderr')).map((line) => line.text).toSorted()).toEqual([
      'two of 0',
      'two of 1',
    ]);
    expect((await read('replica=all&tail=1')).map(({ replica, text }) => `${replica} ${text}`).toSorted()).toEqual([
      '0 three',
      '1 three',
    ]);
    const text = await owner.get<string>(`/deployments/${both.id}/logs?replica=all`);
    expect(
      text
        .split('\n')
        .filter((line) => line !== '')
        .every((line) => /^box-\S+\.[01] \| /.test(line)),
    ).toBe(true);
    await owner.refused(404, 'GET', `/deployments/${both.id}/logs?replica=2`);
    await owner.refused(400, 'GET', `/deployments/${both.id}/logs?replica=both`);
    await owner.refused(400, 'GET', `/deployments/${both.id}/logs?stream=stdin`);
  });

  test('hv logs shows all of them, told apart by prefix and stream', async () => {
    await owner.became(both.id, 'succeeded');
    const { out, err } = await hv(['logs', both.name]);
    for (const replica of [0, 1]) {
      expect(out).toContain(`${both.name}.${replica} | one of ${replica}\n`);
      expect(err).toContain(`${both.name}.${replica} | two of ${replica}\n`);
      expect(out).not.toContain('two of');
    }
    expect((await hv(['logs', both.name, '--replica', '1', '--stream', 'stdout'])).out).toBe('one of 1\nthree\n');
  });
});

test('the log of all replicas goes on with the next run of one that is started again in its place', async () => {
  const { id } = await submit(`echo "began $HYPERVISOR_REPLICA"; ${untilLetGo}; exit 1`, { replicas: 2 });
  const answer = await owner.fetch(`/api/v1/deployments/${id}/logs?replica=all&follow=true&format=ndjson`);
  let text = '';
  const lines = () => text.split('\n').slice(0, -1);
  const seen = new Set<string>();
  let isLetGo = false;
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (const line of lines()) {
      const { replica, run } = JSON.parse(line) as { replica: number; run: number };
      seen.add(`${replica}/${run}`);
    }
    if (seen.has('0/2')) break;
    if (isLetGo || !seen.has('0/1') || !seen.has('1/1')) continue;
    isLetGo = true;
    // Its end is written down late, as where the database is busy: that is waited for.
    const held =
      'with held as materialized (select 1 from replica where deployment_id = $1 and index = 0 for update) select pg_sleep(8) from held';
    await Promise.all([service.sql(held, [id]), letGo(id)]);
  }
  expect(lines().some((line) => line.includes('began 1'))).toBe(true);
  expect([...seen].toSorted()).toEqual(['0/1', '0/2', '1/1']);
  expect(await owner.get<string>(`/deployments/${id}/logs?replica=0&run=1`)).toBe('began 0\n');
  await owner.stop(id);
});

describe('hv', () => {
  test('exec passes pipes and exit codes on', async () => {
    expect(await hv(['exec', '-i', running.name, '--', 'cat'], 'hi äöü\n')).toEqual({
      code: 0,
      out: 'hi äöü\n',
      err: '',
    });
    const failed = await hv(['exec', running.name, '--', 'sh', '-c', 'echo out; echo err >&2; exit 42']);
    expect(failed).toEqual({ code: 42, out: 'out\n', err: 'err\n' });
    // Without -i nothing is read: it does not wait for what never comes.
    expect(await hv(['exec', running.name, '--', 'cat'], null)).toEqual({ code: 0, out: '', err: '' });
    expect((await hv(['exec', running.name, '--replica', '3', '--', 'true'])).code).toBe(4);
  });

  test('exec -it is a terminal to the command, in a terminal', async () => {
    // It gives the command a terminal of its own.
    const terminal = '/usr/bin/script';
    const words = [process.execPath, binary, 'exec', '-it', running.name, '--', 'sh']
      .map((word) => `'${word}'`)
      .join(' ');
    const child = spawn(terminal, ['-qec', `stty cols 97 rows 31; ${words}`, '/dev/null'], {
      env: { ...env(), SHELL: '/bin/sh' },
      cwd: home,
    });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
    const shows = (pattern: RegExp) => expect.poll(() => seen, { timeout: 60_000 }).toMatch(pattern);
    await shows(/\/ # /);
    child.stdin.write('stty size; test -t 0 && echo a-$((40 + 2))\n');
    await shows(/31 97\s+a-42/);
    child.stdin.write('exit 5\n');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(5);
  });

  test('cp copies files and directories, in and out', async () => {
    const tree = join(home, 'tree');
    await mkdir(join(tree, 'deep'), { recursive: true });
    await writeFile(join(tree, 'deep', 'big'), Buffer.alloc(3_000_000, 'abc'));
    await writeFile(join(tree, 'run.sh'), '#!/bin/sh\necho it runs\n', { mode: 0o755 });
    await symlink('run.sh', join(tree, 'link'));
    expect(await hv(['cp', 'tree', `${running.name}:/tmp`])).toMatchObject({ code: 0 });
    expect((await hv(['exec', running.name, '--', '/tmp/tree/link'])).out).toBe('it runs\n');
    expect(await hv(['cp', 'tree/run.sh', `${running.name}:/tmp/other.sh`])).toMatchObject({ code: 0 });
    expect((await hv(['exec', running.name, '--', '/tmp/other.sh'])).out).toBe('it runs\n');

    expect(await hv(['cp', `${running.name}:/tmp/tree`, 'back'])).toMatchObject({ code: 0 });
    expect((await readdir(join(home, 'back'), { recursive: true })).toSorted()).toEqual([
      'deep',
      'deep/big',
      'link',
      'run.sh',
    ]);
    expect((await readFile(join(home, 'back', 'deep', 'big'))).equals(Buffer.alloc(3_000_000, 'abc'))).toBe(true);
    await mkdir(join(home, 'into'));
    expect(await hv(['cp', `${running.name}:/tmp/other.sh`, 'into'])).toMatchObject({ code: 0 });
    expect(await readdir(join(home, 'into'))).toEqual(['other.sh']);
  });

  test('cp leaves out what would lead out, and says what is wrong', async () => {
    await hv([
      'exec',
      running.name,
      '--',
      'sh',
      '-c',
      'mkdir -p /tmp/bad; ln -sfn /etc/passwd /tmp/bad/link; echo 1 > /tmp/bad/ok',
    ]);
    const copied = await hv(['cp', `${running.name}:/tmp/bad`, 'bad']);
    expect(copied).toMatchObject({ code: 0, err: expect.stringContaining('left out bad/link') });
    expect(await readdir(join(home, 'bad'))).toEqual(['ok']);
    expect(await hv(['cp', `${running.name}:/no/such`, '.'])).toMatchObject({ code: 4 });
    expect(await hv(['cp', 'no-such-file', `${running.name}:/tmp`])).toMatchObject({ code: 4 });
    expect(await hv(['cp', 'tree', `${running.name}:/no/such/dir/x`])).toMatchObject({ code: 4 });
    expect(await hv(['cp', 'a', 'b'])).toMatchObject({ code: 2 });
  });

  test('port-forward opens one connection for each that comes', async () => {
    const child = spawn(process.execPath, [binary, 'port-forward', running.name, `0:${port}`], {
      env: env(),
      cwd: home,
    });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
    await expect.poll(() => seen, { timeout: 60_000 }).toMatch(/127\.0\.0\.1:\d+ is port 7007 of /);
    const here = Number(/127\.0\.0\.1:(\d+)/.exec(seen)?.[1]);
    // The server in the container takes one at a time, and starts again for the next.
    for (const text of ['first', 'second '.repeat(20_000)]) {
      await until(`it answers ${text.slice(0, 6)}`, async () => (await echoed(here, text)) === text);
    }
    child.kill('SIGINT');
    await once(child, 'exit');
  });

  test('port-forward says where it can not listen', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port: here } = taken.address() as AddressInfo;
    const { code, err } = await hv(['port-forward', running.name, `${here}:80`]);
    expect(code).toBe(5);
    expect(err).toContain(`127.0.0.1:${here} is in use already`);
    taken.close();
    expect(await hv(['port-forward', running.name, '99999'])).toMatchObject({ code: 2 });
  });

  test('stats shows what is used of what was asked for', async () => {
    const { out } = await hv(['stats', running.name]);
    expect(out).toMatch(/REPLICA +STATUS +CPU +RAM \(GB\)/);
    expect(out).toMatch(/0 +running +[\d.]+ of 0\.25 +[\d.]+ of 0\.05/);
    expect(JSON.parse((await hv(['stats', running.name, '--json'])).out)).toMatchObject({ asked: { cpu: 0.25 } });
  });
});

async function echoed(to: number, text: string): Promise<string> {
  const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.end(text);
  try {
    return (await buffer(socket)).toString('utf8');
  } catch {
    return '';
  }
}
