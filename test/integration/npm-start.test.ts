import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exists } from '../../src/platform/files.ts';

/** The product as people start it, on an embedded PostgreSQL of its own and without an engine. */
const root = fileURLToPath(new URL('../../', import.meta.url));
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hypervisor-start-'));
  // PostgreSQL runs as another user where we are root.
  await chmod(directory, 0o755);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function npmStart(): ChildProcess {
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...environment } = process.env;
  const nowhere = `unix://${join(directory, 'no-engine.sock')}`;
  const args = ['start', '--', '--data-dir', join(directory, 'data'), '--port', '0', '--docker-host', nowhere];
  return spawn('npm', args, {
    cwd: root,
    env: { ...environment, XDG_CONFIG_HOME: join(directory, 'config') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What it prints on both, until the line that says that all is up, and after. */
function reader(child: ChildProcess): { text: () => string; up: Promise<void> } {
  const lines: string[] = [];
  const up = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (line.includes('Ctrl-C stops')) resolve();
      });
    }
    child.once('close', () => reject(new Error(`npm start ended:\n${lines.join('\n')}`)));
  });
  return { text: () => lines.join('\n'), up };
}

test('npm passes on what tells it to end, and the whole of it ends; an engine that is away is told of once', async () => {
  const npm = npmStart();
  const closed = once(npm, 'close');
  const output = reader(npm);
  await output.up;
  expect(output.text()).toContain('There is no cluster yet: the Docker Engine does not answer');
  expect(output.text()).not.toContain('submit --image');
  await expect.poll(() => output.text()).toContain('the engine does not answer');
  // Long enough for it to be looked for several times.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  npm.kill('SIGTERM');
  // Its output is closed when the last process that writes there has ended.
  await closed;
  expect(output.text()).toContain('Stopping; containers go on running.');
  expect(output.text().match(/the engine does not answer/g)).toHaveLength(1);
  expect(await exists(join(directory, 'data/postgres/data/postmaster.pid'))).toBe(false);
});
