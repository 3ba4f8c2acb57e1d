/** `hv simulate` as a process of its own. It needs no service. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));
const example = (name: string) => fileURLToPath(new URL(`../../examples/simulate/${name}`, import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypervisor-simulate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function simulate(...args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' };
    execFile(process.execPath, [binary, 'simulate', ...args], { env, cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const trace = example('day.hvtrace.jsonl');

test('prints a report that can be read', async () => {
  const { code, out, err } = await simulate(trace);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^day\.hvtrace\.jsonl: \d+ deployments on 4 nodes/);
  expect(out).toMatch(/wait, mean/);
  expect(out).toMatch(/PRIORITY/);
});

test('the same input gives the same report, byte for byte', async () => {
  const [once, again] = await Promise.all([simulate(trace, '--json'), simulate(trace, '--json')]);
  expect(again.out).toBe(once.out);
  expect(JSON.parse(once.out)).toMatchObject({ report: 1, runs: [{ policy: { name: 'default' } }] });
});

test('puts policies side by side, in the order in which they were named', async () => {
  const { out } = await simulate(trace, '--compare', example('easy.yaml'), example('patient.yaml'), '--json');
  const { runs } = JSON.parse(out) as { runs: { policy: { name: string } }[] };
  expect(runs.map(({ policy }) => policy.name)).toEqual(['easy', 'patient']);
});

test('writes a page', async () => {
  const page = join(folder, 'report.html');
  expect((await simulate(trace, '--report', page)).out).toContain(page);
  expect(await readFile(page, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
});

describe('--check', () => {
  test('ends with 0 where all that was expected came true', async () => {
    const { code, out } = await simulate(trace, '--check', example('expectations.yaml'), '--quiet');
    expect(out).not.toContain('✗');
    expect(code).toBe(0);
  });

  test('ends with 1 where one failed, and says which, by how much and who', async () => {
    const path = join(folder, 'strict.yaml');
    await writeFile(path, '- name: nobody waits\n  wait: {}\n  at_most: 0s\n- makespan: {}\n  at_most: 30d\n');
    const text = await simulate(trace, '--check', path);
    expect(text.code).toBe(1);
    expect(text.out).toMatch(/✗ nobody waits\n.*\n {2}- expected {2}at most 0s\n {2}\+ actual .*\n.*the worst: /);
    const json = await simulate(trace, '--check', path, '--json');
    expect(json.code).toBe(1);
    expect((JSON.parse(json.out) as { checks: unknown }).checks).toMatchObject([{ passed: false }, { passed: true }]);
  });
});

describe('what is wrong is told in plain words', () => {
  test.each([
    [['no.swf'], 2, 'could not read no.swf: there is no such file'],
    [[trace, '--policy', 'no.yaml'], 2, 'could not read no.yaml: there is no such file'],
    [[trace, '--limit', '0'], 2, 'It must be a whole number, 1 or more'],
    [[trace, '--until', 'soon'], 2, '"soon" is no duration'],
    [[trace, '--priority', 'a=1'], 2, '--priority says nothing without --priority-from'],
    [[trace, '--priority-from', 'qos'], 6, 'says nothing about the qos of its deployments'],
    [[trace, '--priority-from', 'user', '--priority', 'nobody=1'], 6, 'has no user "nobody"'],
    [[trace, '--compare', example('easy.yaml'), example('easy.yaml')], 6, 'two policies are called easy'],
    [[trace, '--report', 'no/folder/report.html'], 2, 'could not write no/folder/report.html'],
  ])('%s', async (args, code, message) => {
    const result = await simulate(...args);
    expect(result.err).toContain(message);
    expect(result.err).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(code);
  });
});
