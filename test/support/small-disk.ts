/** A disk that is soon full, for tables of a test: memory, mounted, with a tablespace of PostgreSQL on it. Needs root. */
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

export interface SmallDisk {
  /** Moves a table of this database there, with what it holds. */
  hold(databaseUrl: string, table: string): Promise<void>;
  /** Leaves no byte free. */
  fill(): Promise<void>;
  /** Frees what was filled. */
  clear(): Promise<void>;
  /** Only when the databases that have tables there are gone. */
  remove(): Promise<void>;
}

const tablespace = 'small_disk';

/** On the server that has this database. */
export async function openSmallDisk(serverUrl: string, bytes: number): Promise<SmallDisk> {
  const dir = await mkdtemp(join(tmpdir(), 'hv-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'hypervisor-test', dir]);
  const place = join(dir, 'tablespace');
  const filler = join(dir, 'filler');
  await mkdir(place);
  await query(serverUrl, async (db) => {
    const { rows } = await db.query<{ data_directory: string }>('show data_directory');
    const { uid, gid } = await stat(rows[0]?.data_directory ?? '');
    await chown(place, uid, gid);
    await db.query(`create tablespace ${tablespace} location '${place}'`);
  });
  return {
    hold: (databaseUrl, table) =>
      query(databaseUrl, async (db) => {
        await db.query(`alter table ${table} set tablespace ${tablespace}`);
      }),
    async fill() {
      // Larger than the disk: it takes what there is.
      const written = writeFile(filler, Buffer.alloc(bytes));
      await written.catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
      });
    },
    clear: () => rm(filler, { force: true }),
    async remove() {
      await query(serverUrl, async (db) => {
        await db.query(`drop tablespace ${tablespace}`);
      });
      await run('umount', [dir]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function query(url: string, work: (db: pg.Client) => Promise<void>): Promise<void> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  try {
    await work(db);
  } finally {
    await db.end();
  }
}
