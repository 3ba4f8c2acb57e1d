import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rotateLog } from '../files.ts';
import { isRunning } from '../process.ts';
import type { Layout } from './layout.ts';
import { identity, type OsUser } from './os-user.ts';

const settings: Record<string, string> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  // Stated, since everything rests on it: what was acknowledged is on disk.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // One server without replicas: no more is logged than recovery needs.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '1GB',
  jit: 'off',
};

/** Of the server that runs on this data directory, whoever started it; null where none does. */
export async function serverPid(layout: Layout): Promise<number | null> {
  const pid = await recordedPid(layout);
  return pid !== null && (await isServer(pid, layout)) ? pid : null;
}

/** Starts a server. Throws where the program can't be run at all; its log says why it ends, if it does. */
export async function spawnServer(layout: Layout, executable: string, user: OsUser | null): Promise<ChildProcess> {
  await removeStaleRecords(layout);
  await rotateLog(layout.log);
  const log = await open(layout.log, 'a', 0o640);
  try {
    const options = Object.entries({ ...settings, unix_socket_directories: layout.socket });
    const child = spawn(
      executable,
      ['-D', layout.data, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...identity(user),
        cwd: '/',
        // Of a session of its own: Ctrl-C in the terminal ends us first, and we end it.
        detached: true,
        // Into a file, not a pipe: it outlives a parent that is killed.
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    await once(child, 'spawn');
    child.unref();
    return child;
  } catch (error) {
    throw new Error(`PostgreSQL could not be run: ${String(error)}`, { cause: error });
  } finally {
    await log.close();
  }
}

/**
 * PostgreSQL takes any process with the recorded id for a server, and then refuses to start: one that was not reaped, or, after a
 * restart of the machine or the container, somebody else's. The record also guards against what a killed server has left behind
 * and still writes, so it goes only when no process works in the data directory.
 */
async function removeStaleRecords(layout: Layout): Promise<void> {
  if (process.platform !== 'linux' || (await recordedPid(layout)) === null) return;
  const data = await realpath(layout.data);
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => null)));
  if (folders.includes(data)) return;
  for (const record of [pidFile(layout), join(layout.socket, '.s.PGSQL.5432.lock')]) await rm(record, { force: true });
}

async function recordedPid(layout: Layout): Promise<number | null> {
  const text = await readFile(pidFile(layout), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  // Single-user mode writes its id negated.
  return Number.isNaN(pid) ? null : Math.abs(pid);
}

function pidFile(layout: Layout): string {
  return join(layout.data, 'postmaster.pid');
}

/** A server works in its data directory. Where that can't be seen (not Linux), whoever has the id is taken for it. */
async function isServer(pid: number, layout: Layout): Promise<boolean> {
  if (!isRunning(pid)) return false;
  if (process.platform !== 'linux') return true;
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  return cwd === (await realpath(layout.data));
}
