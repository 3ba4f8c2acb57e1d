import { spawn } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { installPackages, isDebianRoot } from './apt.ts';

export interface RunningRedis {
  readonly url: string;
  stop(): Promise<void>;
}

const executable = '/usr/bin/redis-server';
const startMs = 15_000;

/**
 * A real Redis on a Unix socket in `dir`, for the tests and benchmarks of that backend. On Debian as root it is installed where
 * it is missing. It keeps what it holds in `dir`: stopped and started again, nothing is lost.
 *
 * @throws where there is none and it can't be installed.
 */
export async function startRedis({
  dir,
  say,
}: {
  dir: string;
  say?: (message: string) => void;
}): Promise<RunningRedis> {
  await ensureInstalled(say);
  await mkdir(dir, { recursive: true });
  const socket = join(dir, 'redis.sock');
  const options = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--daemonize',
    'no',
  ];
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', executable, ...options], {
    cwd: '/',
    detached: true,
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.unref();
  const url = socket;
  await untilAnswers(url);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function ensureInstalled(say?: (message: string) => void): Promise<void> {
  const there = await access(executable).then(
    () => true,
    () => false,
  );
  if (there) return;
  if (!(await isDebianRoot()))
    throw new Error('redis-server is not installed: install it (Debian: apt-get install redis-server)');
  say?.("installing Debian's redis-server with apt-get");
  await installPackages(['redis-server']);
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = Date.now() + startMs;
  for (;;) {
    const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => {});
    try {
      await redis.connect();
      if ((await redis.ping()) === 'PONG') return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error('redis-server did not come up', { cause: error });
      await sleep(50);
    } finally {
      redis.disconnect();
    }
  }
}
