/** From a service to a report with the real command: `hv export`, then `hv simulate`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));
let service: TestService;
let home: string;

beforeAll(async () => {
  service = await startTestService();
  home = await mkdtemp(join(tmpdir(), 'hypervisor-history-'));
  const account = ['--username', 'ada', '--email', 'ada@example.org', '--password-stdin'];
  await hv(['register', service.url, ...account], 'correct horse battery\n');
  await hv(['org', 'create', 'analytical engines']);
  await hv(['cluster', 'create', 'local', '--ram', '8', '--cpu', '1', '--runtime', 'simulated']);
});
afterAll(async () => {
  await service.stop();
  await rm(home, { recursive: true, force: true });
});

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

test('what a cluster did can be replayed under another policy', async () => {
  const job = ['submit', '--image', 'simulated/job', '--ram', '1', '--cpu', '1', '--env', 'SIM_RUN_MS=50', '--wait'];
  await Promise.all([hv(job), hv(job)]);
  const exported = await hv(['export', '--output', 'history.hvtrace.jsonl']);
  expect(exported).toEqual({ code: 0, out: '', err: '' });
  const lines = (await readFile(join(home, 'history.hvtrace.jsonl'), 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(3);
  // Without a file, the same goes to standard output.
  expect((await hv(['export', '--since', '1d'])).out.trim().split('\n')).toEqual(lines);

  const { code, out } = await hv(['simulate', 'history.hvtrace.jsonl', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    trace: { deployments: 2, nodes: 1, recorded: { deployments: 2 } },
    runs: [{ overall: { outcomes: { succeeded: 2 } }, by_user: [{ user: 'ada' }] }],
  });
});

test('what is wrong is told in plain words', async () => {
  const unknown = await hv(['export', '--cluster', 'nothing']);
  expect([unknown.code, unknown.err]).toEqual([4, expect.stringContaining('there is no cluster "nothing"')]);
  const since = await hv(['export', '--since', 'soon']);
  expect([since.code, since.err]).toEqual([2, expect.stringContaining('"soon" is no duration')]);
  const folder = await hv(['export', '--output', 'no/folder/file']);
  expect([folder.code, folder.err]).toEqual([2, expect.stringContaining('could not write no/folder/file')]);
});
