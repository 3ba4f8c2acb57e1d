/** A disk that is soon full, for tables of a test: a small mount with a tablespace of PostgreSQL on it. Needs root. */
import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { mountSmall, type SmallMount } from './small-mount.ts';

export interface SmallDisk extends Omit<SmallMount, 'dir'> {
  /** Moves a table of this database there, with what it holds. */
  hold(databaseUrl: string, table: string): Promise<void>;
}

const tablespace = 'small_disk';

/** On the server that has this database. To be removed only when the databases that have tables there are gone. */
export async function openSmallDisk(serverUrl: string, bytes: number): Promise<SmallDisk> {
  const mount = await mountSmall(bytes);
  const place = join(mount.dir, 'tablespace');
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
    fill: () => mount.fill(),
    clear: () => mount.clear(),
    async remove() {
      await query(serverUrl, async (db) => {
        await db.query(`drop tablespace ${tablespace}`);
      });
      await mount.remove();
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
