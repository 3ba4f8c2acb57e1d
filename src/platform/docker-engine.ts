/** Finds a Docker Engine, or makes one: for the demo and the tests, which must work on a machine that has none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages, isDebianRoot } from './apt.ts';
import { answers, type DockerConnection, findDockerConnection } from './docker-connection.ts';

export interface DockerEngine {
  readonly connection: DockerConnection;
  /** As DOCKER_HOST takes it; null where the engine was found and needs no naming. */
  readonly socketPath: string | null;
  /** Ends the engine if it was started here; one that was found goes on. */
  stop(): Promise<void>;
}

export interface ProvisionOptions {
  /** Called with what is about to be done, before it is done. */
  readonly say: (message: string) => void;
  /** Where a private engine keeps its images and containers. */
  readonly dataRoot: string;
}

const startMs = 60_000;
const stopMs = 60_000;
const daemon = '/usr/sbin/dockerd';
const daemons = [daemon, '/usr/bin/dockerd', '/usr/local/bin/dockerd'];

/** The engine that is there already; null where none answers. */
export async function findDockerEngine(): Promise<DockerEngine | null> {
  const connection = await findDockerConnection();
  if (connection === null) return null;
  return { connection, socketPath: connection.socketPath?.toString() ?? null, stop: () => Promise.resolve() };
}

/**
 * The engine that is there, or a private one: started from an installed `dockerd`, which on Debian as root is installed first.
 *
 * @throws where neither is possible, with what to do.
 */
export async function provisionDockerEngine(options: ProvisionOptions): Promise<DockerEngine> {
  const found = await findDockerEngine();
  if (found !== null) return found;
  return startPrivateEngine(await findOrInstallDaemon(options.say), options);
}

async function findOrInstallDaemon(say: (message: string) => void): Promise<string> {
  const installed = await installedDaemon();
  if (process.getuid?.() !== 0) {
    throw new Error(
      installed === null
        ? 'no Docker Engine answers: install one, or set DOCKER_HOST to one'
        : 'no Docker Engine answers: start it (systemctl start docker), become a member of the group "docker", or set DOCKER_HOST',
    );
  }
  if (installed !== null) return installed;
  if (!(await isDebianRoot())) throw new Error('no Docker Engine was found: install one, or set DOCKER_HOST to one');
  say("no Docker Engine answers: installing Debian's docker.io and iptables with apt-get");
  await installPackages(['docker.io', 'iptables']);
  return (await installedDaemon()) ?? daemon;
}

async function installedDaemon(): Promise<string | null> {
  for (const path of daemons) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return null;
}

/** Starts a `dockerd` on a socket of its own, below `dataRoot`; or adopts the one that a killed parent left there. */
export async function startPrivateEngine(
  executable: string,
  { say, dataRoot }: ProvisionOptions,
): Promise<DockerEngine> {
  await mkdir(dataRoot, { recursive: true, mode: 0o711 });
  const socketPath = join(dataRoot, 'docker.sock');
  const pidFile = join(dataRoot, 'dockerd.pid');
  const connection = { socketPath };
  let child: ChildProcess | null = null;
  if (!(await answers(connection))) {
    say('starting a private Docker Engine');
    child = await spawnDaemon(executable, dataRoot, socketPath, pidFile);
    await untilAnswers(connection, child, dataRoot);
  }
  const pid = Number(await readFile(pidFile, 'utf8'));
  let stopping: Promise<void> | null = null;
  return {
    connection,
    socketPath,
    stop() {
      stopping ??= endProcess(pid, child);
      return stopping;
    },
  };
}

async function spawnDaemon(
  executable: string,
  dataRoot: string,
  socketPath: string,
  pidFile: string,
): Promise<ChildProcess> {
  const log = await open(join(dataRoot, 'dockerd.log'), 'a', 0o640);
  try {
    const options = [
      '--data-root',
      join(dataRoot, 'data'),
      '--exec-root',
      join(dataRoot, 'exec'),
      '--pidfile',
      pidFile,
    ];
    const hosts = ['--host', `unix://${socketPath}`, '--config-file', join(dataRoot, 'daemon.json')];
    // Of a session of its own, so that Ctrl-C reaches us first; and ended by the kernel should we be killed.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', executable, ...options, ...hosts], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.on('error', () => {});
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function untilAnswers(connection: DockerConnection, child: ChildProcess, dataRoot: string): Promise<void> {
  const deadline = Date.now() + startMs;
  while (!(await answers(connection))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      const log = await readFile(join(dataRoot, 'dockerd.log'), 'utf8').catch(() => '');
      throw new Error(`the Docker Engine did not come up:\n${log.split('\n').slice(-15).join('\n')}`);
    }
    await sleep(100);
  }
}

/** Containers that still run are stopped by the engine itself; its containerd ends with it. */
async function endProcess(pid: number, child: ChildProcess | null): Promise<void> {
  const alive = () => (child === null ? isAlive(pid) : child.exitCode === null && child.signalCode === null);
  if (!alive()) return;
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + stopMs;
  while (alive()) {
    if (Date.now() > deadline) throw new Error(`the private Docker Engine (process ${pid}) does not end`);
    await sleep(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
