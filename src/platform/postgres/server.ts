import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, isRunning } from '../process.ts';
import { spawnServant } from '../servant.ts';
import type { Layout } from './layout.ts';
import type { OsUser } from './os-user.ts';

export interface ServerPlan {
  readonly layout: Layout;
  readonly user: OsUser | null;
  /** The program `postgres`. */
  readonly executable: string;
  readonly maxConnections: number;
}

const endMs = 30_000;

const settings: Record<string, string> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
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

/** Starts a server, and resolves to its process id. It may end again; its log says why. */
export async function spawnServer(plan: ServerPlan): Promise<number> {
  const { layout, executable, user, maxConnections } = plan;
  await removeStaleRecords(layout);
  const options = Object.entries({
    ...settings,
    unix_socket_directories: layout.socket,
    max_connections: String(maxConnections),
  });
  const args = ['-D', layout.data, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  return spawnServant(executable, args, { log: layout.log, signal: endSignal, user });
}

/** "Fast": what is connected is cut off, and the server writes everything down and ends. */
const endSignal = 'INT';

export async function endServer(pid: number): Promise<void> {
  await endProcess(pid, { signal: `SIG${endSignal}`, name: 'the embedded PostgreSQL', timeoutMs: endMs });
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
