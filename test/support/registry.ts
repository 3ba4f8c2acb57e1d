import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackages } from '../../src/platform/apt.ts';
import { endProcess } from '../../src/platform/process.ts';
import { spawnServant } from '../../src/platform/servant.ts';
import { freePort } from './free-port.ts';

export interface RunningRegistry {
  /** As it stands in image names. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
  stop(): Promise<void>;
}

const executable = '/usr/bin/docker-registry';
const username = 'puller';
const password = 'registry-password';
/** bcrypt of that password, as htpasswd writes it. */
const htpasswd = `${username}:$2b$05$j3mjhjv9Ll38WPycPSxecOSOZH./cIwyGEBoyklCWk2wDZLlS/G8a\n`;
const startMs = 60_000;

/** A real registry on a loopback port that lets nobody in without the password. Engines speak plain HTTP to loopback. */
export async function startRegistry(dir: string): Promise<RunningRegistry> {
  const installed = await access(executable).then(
    () => true,
    () => false,
  );
  if (!installed) await installPackages(['docker-registry']);
  await mkdir(dir, { recursive: true });
  const server = `127.0.0.1:${await freePort()}`;
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(dir, 'images') } },
    http: { addr: server },
    auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } },
  };
  await writeFile(join(dir, 'htpasswd'), htpasswd);
  // JSON is YAML.
  await writeFile(join(dir, 'config.yml'), JSON.stringify(config));
  const log = join(dir, 'registry.log');
  const pid = await spawnServant(executable, ['serve', join(dir, 'config.yml')], { log, signal: 'TERM' });
  const stop = () => endProcess(pid, { signal: 'SIGTERM', name: 'docker-registry', timeoutMs: 10_000 });
  const deadline = Date.now() + startMs;
  while ((await fetch(`http://${server}/v2/`).catch(() => null))?.status !== 401) {
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`the registry did not come up:\n${await readFile(log, 'utf8')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { server, username, password, stop };
}
