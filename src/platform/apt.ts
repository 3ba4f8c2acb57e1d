import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { exists } from './files.ts';

const run = promisify(execFile);
const policy = '/usr/sbin/policy-rc.d';
const maxOutput = 64 * 1024 * 1024;
/** Somebody else may be installing something. */
const lockSeconds = 120;

/** Whether packages can be installed here: Debian or a kin of it, as root. */
export async function isDebianRoot(): Promise<boolean> {
  return process.getuid?.() === 0 && (await exists('/usr/bin/apt-get'));
}

/**
 * Installs Debian packages, without what they only recommend, and without starting the services in them.
 *
 * @throws with the end of what apt said.
 */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const restore = await forbidServices();
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  try {
    // A new container has no lists yet, and an old list names packages that are gone: then, and only then, they are fetched.
    await aptGet(install).catch(async () => {
      await aptGet(['update']);
      await aptGet(install);
    });
  } finally {
    await restore();
  }
}

async function aptGet(args: readonly string[]): Promise<void> {
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['--quiet', '-o', `DPkg::Lock::Timeout=${lockSeconds}`, ...args], {
      env,
      maxBuffer: maxOutput,
    });
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    const end = `${stdout}\n${stderr}`.trim().split('\n').slice(-10).join('\n');
    throw new Error(`apt-get ${args[0]} failed:\n${end}`, { cause: error });
  }
}

/** Debian starts what it installs, unless this file forbids it (Debian Policy, 9.3.3.1). Somebody else's is left alone. */
async function forbidServices(): Promise<() => Promise<void>> {
  if (await exists(policy)) return () => Promise.resolve();
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rm(policy, { force: true });
}
