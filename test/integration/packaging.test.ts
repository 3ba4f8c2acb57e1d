/** The compose file and the units, as their own tools read them. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { installPackages, isDebianRoot } from '../../src/platform/apt.ts';
import { exists } from '../../src/platform/files.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);

test('the compose file is valid, and gives the engine to those only who need it', async () => {
  if (!(await exists('/usr/bin/docker-compose')) && (await isDebianRoot())) await installPackages(['docker-compose']);
  const env = { PATH: process.env['PATH'], POSTGRES_PASSWORD: 'one', REDIS_PASSWORD: 'two', DOCKER_GROUP: '999' };
  const args = ['--file', join(root, 'compose.yaml'), 'config'];
  const { stdout } = await execute('docker-compose', args, { env });
  const { services } = parse(stdout) as {
    services: Record<string, { volumes?: string[]; environment: Record<string, string>; cap_drop?: string[] }>;
  };
  expect(Object.keys(services).toSorted()).toEqual(['api', 'postgres', 'redis', 'scheduler', 'worker']);
  const withEngine = Object.entries(services).filter(([, { volumes = [] }]) =>
    volumes.some((one) => one.includes('docker.sock')),
  );
  expect(withEngine.map(([name]) => name)).toEqual(['api', 'worker']);
  for (const role of ['api', 'scheduler', 'worker']) {
    expect(services[role]).toMatchObject({
      cap_drop: ['ALL'],
      environment: {
        HYPERVISOR_ROLE: role,
        DATABASE_URL: 'postgres://hypervisor:one@postgres:5432/hypervisor',
        REDIS_URL: 'redis://:two@redis:6379',
      },
    });
  }
  // Without a password it is told, and nothing is started with an empty one.
  const { POSTGRES_PASSWORD: _none, ...without } = env;
  await expect(execute('docker-compose', args, { env: without })).rejects.toThrow('set it in .env');
});

test('systemd finds nothing wrong with the units', async ({ skip }) => {
  if (!(await exists('/usr/bin/systemd-analyze'))) skip('there is no systemd-analyze here');
  const dir = join(root, 'packaging/systemd');
  const units = await readdir(dir);
  expect(units.toSorted()).toEqual(['hypervisor.service', 'hypervisor@.service']);
  const { stdout, stderr } = await execute('systemd-analyze', ['verify', ...units.map((unit) => join(dir, unit))]);
  expect(stdout + stderr).toBe('');
});
