import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { canReach, type OsUser } from './os-user.ts';

/** Where the embedded server keeps what. */
export interface Layout {
  /** Holds everything of the embedded server; other users may enter it, for the server may be one. */
  readonly root: string;
  /** PostgreSQL's own data directory. It appears whole or not at all. */
  readonly data: string;
  /** The superuser's password, inside the data directory: both are made, moved and deleted together. */
  readonly password: string;
  readonly socket: string;
  readonly log: string;
  /** For binaries that have to be copied to where the server's user can read them. */
  readonly binaries: string;
}

/** A socket's path has at most 107 bytes, its name ("/.s.PGSQL.5432") included. */
const socketDirBytesMax = 107 - 14;

export const passwordFile = 'hypervisor.password';

/** Makes the folders, owned by the server's user. Throws in plain words where that user could not reach them. */
export async function makeLayout(dataDir: string, user: OsUser | null): Promise<Layout> {
  const root = join(resolve(dataDir), 'postgres');
  await mkdir(root, { recursive: true, mode: 0o755 });
  if (user !== null && !(await canReach(root, user))) {
    throw new Error(
      `PostgreSQL does not run as root, and the user "${user.name}", whom it runs as, may not enter ${root}: choose a data directory that others may enter, such as /var/lib/hypervisor, or set DATABASE_URL`,
    );
  }
  const data = join(root, 'data');
  return {
    root,
    data,
    password: join(data, passwordFile),
    socket: await makeSocketDir(root, user),
    log: join(root, 'server.log'),
    binaries: join(root, 'binaries'),
  };
}

/** In the data directory, or, where that path would be too long, in a short place that is the same at each start. */
async function makeSocketDir(root: string, user: OsUser | null): Promise<string> {
  const near = join(root, 'run');
  if (Buffer.byteLength(near) <= socketDirBytesMax) return makePrivateDir(near, user);
  const name = `hypervisor-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  // Root's runtime directory can't be entered by the server's user.
  const runtimeDir = user === null ? process.env['XDG_RUNTIME_DIR'] : undefined;
  return makePrivateDir(join(runtimeDir ?? tmpdir(), name), user);
}

/** In a folder that everybody may write to, somebody may have put one of that name, or a link, before us. */
async function makePrivateDir(dir: string, user: OsUser | null): Promise<string> {
  await mkdir(dir, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const info = await lstat(dir);
  const owners = [process.getuid?.(), user?.uid];
  if (!info.isDirectory() || !owners.includes(info.uid))
    throw new Error(
      `${dir}, for PostgreSQL's socket, belongs to another user: start as that user, or choose another data directory`,
    );
  await chmod(dir, 0o700);
  if (user !== null) await chown(dir, user.uid, user.gid);
  return dir;
}

/** The server's files are gone from it by now. One in the data directory stays there for the next start. */
export async function removeSocketDir({ root, socket }: Layout): Promise<void> {
  if (!socket.startsWith(root)) await rmdir(socket).catch(() => undefined);
}
