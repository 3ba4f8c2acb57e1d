/**
 * A Docker Engine of one's own, beside any other on the machine: everything that engines would share (directories, containerd, the
 * bridge, the firewall) is its own or left alone. It ends with the process that started it, also when that is killed.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { type Bridge, openBridge } from './bridge.ts';
import { answers } from './docker-connection.ts';
import type { DockerEngine, ProvisionOptions } from './docker-engine.ts';
import { endOf } from './files.ts';
import { unmountBelow } from './mounts.ts';
import { endProcess, isRunning, parentOf } from './process.ts';
import { spawnServant } from './servant.ts';

const startMs = 60_000;
const stopMs = 60_000;
/** How long one whose parent was killed may take to end. */
const orphanMs = 20_000;
/** A socket's path has at most 107 bytes; containerd's below this directory are the longest. */
const rootBytesMax = 107 - '/exec/containerd/containerd-debug.sock'.length;

interface PrivateEngineOptions extends ProvisionOptions {
  /** More of what `dockerd` takes: `--live-restore`, another `--host`. */
  readonly flags?: readonly string[];
  /** The name of a network namespace that it runs in, with a bridge of its own there; left out: where we are. */
  readonly namespace?: string;
}

/** Starts `dockerd` with everything below `dataRoot`. One that a killed parent left there is ended first. */
export async function startPrivateEngine(executable: string, options: PrivateEngineOptions): Promise<DockerEngine> {
  const root = resolve(options.dataRoot);
  if (Buffer.byteLength(root) > rootBytesMax)
    throw new Error(
      `${root} is too long a path for the sockets of a Docker Engine: choose one of at most ${rootBytesMax} bytes`,
    );
  await mkdir(root, { recursive: true, mode: 0o711 });
  const pidFile = join(root, 'dockerd.pid');
  const flags = options.flags ?? [];
  await endOrphan(root, pidFile);
  await endContainerd(root);
  // What is mounted there is in use by containers that outlived the engine, where it is to find them again.
  if (!flags.includes('--live-restore')) await unmountBelow(root);
  options.say('starting a private Docker Engine');
  const { namespace } = options;
  const bridge = namespace === undefined ? await bridgeOf(root) : null;
  const socketPath = join(root, 'docker.sock');
  const log = join(root, 'dockerd.log');
  const configuration = join(root, 'daemon.json');
  // A file of our own, or else it reads the machine's.
  await writeFile(configuration, '{}\n');
  const args = [
    ['--data-root', join(root, 'data')],
    ['--exec-root', join(root, 'exec')],
    ['--config-file', configuration],
    ['--pidfile', pidFile],
    ['--host', `unix://${socketPath}`],
    // Where a containerd runs as a service, dockerd uses that one, and would take others' containers for its own.
    ...containerdNamespaces(root),
    // The chains of the firewall are shared: setting up ours would cut off the ports of another engine's containers. Ours
    // are reached through docker-proxy, and have no way to other machines.
    ['--iptables=false', '--ip-forward=false', '--ip-masq=false'],
    // So nobody could answer for a name that is not one of theirs: that it is none is told at once, and not after some tries.
    ['--dns', '127.0.0.1'],
    bridge === null ? [] : [`--bridge=${bridge.name}`],
    flags,
  ].flat();
  try {
    const command = namespace === undefined ? [executable, ...args] : [...enter(namespace), executable, ...args];
    const pid = await bringUp({ root, command, socketPath, log });
    return {
      connection: { socketPath },
      host: `unix://${socketPath}`,
      socketPath,
      stop: once(() => stop(root, socketPath, pid, bridge)),
    };
  } catch (error) {
    await bridge?.remove();
    throw error;
  }
}

/** By directory: what one that was killed leaves to the next one there, whose containers that outlived it are attached to it. */
const bridges = new Map<string, Bridge>();

async function bridgeOf(root: string): Promise<Bridge | null> {
  const bridge = bridges.get(root) ?? (await openBridge());
  if (bridge === null) return null;
  bridges.set(root, bridge);
  return {
    name: bridge.name,
    address: bridge.address,
    async remove() {
      bridges.delete(root);
      await bridge.remove();
    },
  };
}

interface Plan {
  readonly root: string;
  readonly command: readonly string[];
  readonly socketPath: string;
  readonly log: string;
}

/** Not by `ip netns exec`: that hides the control groups. What it executes keeps its process id. */
const enter = (namespace: string) => ['/usr/bin/nsenter', `--net=/run/netns/${namespace}`];

/** dockerd gives its containerd 15 s and ends if it does not answer by then, as on a very busy machine: that is worth another try. */
const attemptsMax = 3;
const isLate = /timeout waiting for containerd to start/;

/** Resolves to the id of the process that answers. */
async function bringUp(plan: Plan): Promise<number> {
  const { root, command, socketPath, log } = plan;
  const [executable = '', ...args] = command;
  for (let attempt = 1; ; attempt += 1) {
    const pid = await spawnServant(executable, args, { log, signal: 'TERM' });
    try {
      await untilAnswers(socketPath, pid, log);
      return pid;
    } catch (error) {
      if (attempt === attemptsMax || !isLate.test(await endOf(log))) throw error;
      await endContainerd(root);
    }
  }
}

function containerdNamespaces(root: string): string[][] {
  const name = `hypervisor-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;
  return [
    ['--containerd-namespace', name],
    ['--containerd-plugins-namespace', `${name}-plugins`],
  ];
}

/** The kernel has told it to end when its parent was killed. It may still answer, but is not to be used any more. */
async function endOrphan(root: string, pidFile: string): Promise<void> {
  const pid = await pidIn(pidFile);
  if (pid !== null && (await isRunningWith(pid, pidFile))) {
    const parent = parentOf(pid);
    if (parent === process.pid) throw new Error(`this process runs a private Docker Engine in ${root} already`);
    if (parent === 1) await endProcess(pid, { signal: 'SIGTERM', name: 'the Docker Engine', timeoutMs: orphanMs });
    const deadline = Date.now() + orphanMs;
    while (isRunning(pid)) {
      if (Date.now() > deadline)
        throw new Error(
          `another process (${parent}) runs its Docker Engine in ${root}: end it, or choose another directory`,
        );
      await sleep(50);
    }
  }
}

/**
 * A containerd dies with its dockerd, a little later where the machine is busy. A dockerd that finds it still there would rely on it, and
 * wait for one that does not answer any more. Containers are not its children: they go on.
 */
async function endContainerd(root: string): Promise<void> {
  const dir = join(root, 'exec', 'containerd');
  const pid = await pidIn(join(dir, 'containerd.pid'));
  if (pid === null || !(await isRunningWith(pid, join(dir, 'containerd.toml')))) return;
  await endProcess(pid, { signal: 'SIGKILL', name: "the Docker Engine's containerd", timeoutMs: orphanMs });
}

async function pidIn(file: string): Promise<number | null> {
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  return Number.isNaN(pid) ? null : pid;
}

/** The id may be somebody else's by now. */
async function isRunningWith(pid: number, argument: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return isRunning(pid) && commandLine.split('\0').includes(argument);
}

async function untilAnswers(socketPath: string, pid: number, log: string): Promise<void> {
  const deadline = Date.now() + startMs;
  while (!(await answers({ socketPath }))) {
    if (!isRunning(pid) || Date.now() > deadline) {
      await endProcess(pid, { signal: 'SIGKILL', name: 'the Docker Engine', timeoutMs: stopMs });
      throw new Error(
        `the private Docker Engine did not come up; set DOCKER_HOST to use another. Its log ends with:\n${await endOf(log)}`,
      );
    }
    await sleep(50);
  }
}

async function stop(root: string, socketPath: string, pid: number, bridge: Bridge | null): Promise<void> {
  await killContainers(new Docker({ socketPath }));
  await endProcess(pid, { signal: 'SIGTERM', name: 'the private Docker Engine', timeoutMs: stopMs });
  await unmountBelow(root);
  await bridge?.remove();
}

/** The engine would give each of them ten seconds. */
async function killContainers(docker: Docker): Promise<void> {
  const running = await docker.listContainers().catch(() => []);
  await Promise.all(
    running.map(({ Id }) =>
      docker
        .getContainer(Id)
        .kill()
        .catch(() => undefined),
    ),
  );
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => (running ??= run());
}
