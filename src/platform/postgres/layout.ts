import { createHash } from 'node:crypto';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { canReach, type OsUser } from './os-user.ts';

/** Where the embedded server keeps what. */
export interface Layout {
  /** PostgreSQL's own data directory. */
  readonly data: string;
  readonly socket: string;
  readonly log: string;
  readonly password: string;
  /** For binaries that have to be copied to where the server's user can read them. */
  readonly binaries: string;
}

/** A socket's path has at most 107 bytes, its name (".s.PGSQL.5432") included. */
const socketDirMax = 90;

/** Makes the folders, owned by the server's user. Throws in plain words where that user could not reach them. */
export async function makeLayout(dataDir: string, user: OsUser | null): Promise<Layout> {
  const root = join(resolve(dataDir), 'postgres');
  await mkdir(root, { recursive: true, mode: 0o755 });
  if (user !== null && !(await canReach(root, user))) {
    throw new Error(
      `PostgreSQL runs as the user "${user.name}", who may not enter ${root}: choose a data directory that others may enter, such as /var/lib/hypervisor`,
    );
  }
  const socket = await makeSocketDir(root, user);
  const data = join(root, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (user !== null) await chown(data, user.uid, user.gid);
  return {
    data,
    socket,
    log: join(root, 'server.log'),
    password: join(root, 'password'),
    binaries: join(root, 'binaries'),
  };
}

async function makeSocketDir(root: string, user: OsUser | null): Promise<string> {
  const near = join(root, 'run');
  const short = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const dir = near.length <= socketDirMax ? near : join(tmpdir(), `hypervisor-${short}`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  if (user !== null) await chown(dir, user.uid, user.gid);
  return dir;
}
