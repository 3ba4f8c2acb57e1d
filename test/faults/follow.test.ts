import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SpawnedService, spawnTestService } from '../support/service.ts';

const binary = fileURLToPath(new URL('../../bin/hypervisor.mjs', import.meta.url));
let service: SpawnedService;
let home: string;

beforeAll(async () => {
  service = await spawnTestService();
  home = await mkdtemp(join(tmpdir(), 'hypervisor-cli-'));
});
afterAll(async () => {
  await service.stop();
  await rm(home, { recursive: true, force: true });
});

const env = () => ({ PATH: process.env['PATH'], XDG_CONFIG_HOME: home, HOME: home, NO_COLOR: '1' });

async function hv(args: readonly string[], input = ''): Promise<string> {
  const running = promisify(execFile)(process.execPath, [binary, ...args], { env: env(), cwd: home });
  running.child.stdin?.end(input);
  return (await running).stdout;
}

test('hv events -f goes on where it was cut off when the control plane is killed and comes back', async () => {
  const account = ['--username', 'ada', '--email', 'ada@example.org', '--password-stdin'];
  await hv(['register', service.url, ...account], 'correct horse battery\n');
  await hv(['org', 'create', 'engines']);
  const following = spawn(process.execPath, [binary, 'events', '-f'], { env: env(), cwd: home });
  let shown = '';
  following.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  const seen = (text: string) => expect.poll(() => shown, { timeout: 60_000 }).toContain(text);
  await seen('engines was created');
  await service.kill();
  await service.restart();
  await hv(['cluster', 'create', 'later', '--ram', '1', '--cpu', '1', '--runtime', 'simulated']);
  await seen('later was created');
  expect(shown.match(/engines was created/g)).toHaveLength(1);
  following.kill();
  await once(following, 'close');
}, 180_000);
