import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { installPackages, isDebianRoot } from './apt.ts';
import { endOf, exists } from './files.ts';
import { endProcess, isRunning } from './process.ts';
import { spawnServant } from './servant.ts';

export interface RunningRedis {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const executables = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'];
const startMs = 15_000;
const stopMs = 15_000;

/**
 * A real Redis on a Unix socket in `dir`, for the tests and benchmarks of that backend. On Debian as root it is installed where
 * it is missing. It keeps what it holds in `dir`: stopped and started again, nothing is lost.
 *
 * @throws where there is none and it can't be installed.
 */
export async function startRedis(options: { dir: string; say?: (message: string) => void }): Promise<RunningRedis> {
  const executable = await findOrInstall(options.say);
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const socket = join(dir, 'redis.sock');
  const log = join(dir, 'redis.log');
  const settings = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir,
    save: '',
    appendonly: 'yes',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const pid = await spawnServant(executable, args, { log, signal: 'TERM' });
  try {
    await untilAnswers(socket, pid, log);
  } catch (error) {
    await endProcess(pid, { signal: 'SIGKILL', name: 'redis-server', timeoutMs: stopMs });
    throw error;
  }
  return {
    url: socket,
    pid,
    stop: () => endProcess(pid, { signal: 'SIGTERM', name: 'redis-server', timeoutMs: stopMs }),
  };
}

async function findOrInstall(say?: (message: string) => void): Promise<string> {
  const installed = await find();
  if (installed !== null) return installed;
  if (!(await isDebianRoot()))
    throw new Error('redis-server is not installed: install it (Debian: apt-get install redis-server)');
  say?.("installing Debian's redis-server with apt-get; its service is not started");
  await installPackages(['redis-server']);
  const now = await find();
  if (now === null) throw new Error('the package redis-server brought no redis-server: install a Redis by hand');
  return now;
}

async function find(): Promise<string | null> {
  for (const path of executables) if (await exists(path)) return path;
  return null;
}

async function untilAnswers(socket: string, pid: number, log: string): Promise<void> {
  const deadline = Date.now() + startMs;
  while (!(await answers(socket))) {
    if (!isRunning(pid) || Date.now() > deadline)
      throw new Error(`redis-server did not come up; its log ends with:\n${await endOf(log)}`);
    await sleep(20);
  }
}

async function answers(socket: string): Promise<boolean> {
  const redis = new Redis(socket, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
