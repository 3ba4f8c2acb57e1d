/** What an installation stands on: PostgreSQL and Redis, on a disk of their own that may be full. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { startRedis } from '../../src/platform/redis.ts';
import { mountSmall, type SmallMount } from '../support/small-mount.ts';
import { KeptServer } from './kept-server.ts';

/** Enough for the data of a run and the log of PostgreSQL between two checkpoints. */
const diskBytes = 640 * 1024 ** 2;
/** Eight processes with pools of their own. */
const maxConnections = 300;

export interface Ground {
  readonly disk: SmallMount;
  readonly postgres: KeptServer;
  readonly redis: KeptServer;
  /** What Redis was told is gone when it comes up again. */
  forgetRedis(): Promise<void>;
  stop(): Promise<void>;
}

export async function openGround(note: (message: string) => void): Promise<Ground> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const one of undo.toReversed()) await one();
  };
  try {
    const disk = await mountSmall(diskBytes);
    undo.push(() => disk.remove());
    const postgres = await KeptServer.start(
      () => startEmbeddedPostgres({ dataDir: disk.dir, maxConnections }),
      (message) => note(`PostgreSQL: ${message}`),
    );
    undo.push(() => postgres.stop());
    const dir = join(disk.dir, 'redis');
    const redis = await KeptServer.start(
      () => startRedis({ dir }),
      (message) => note(`Redis: ${message}`),
    );
    undo.push(() => redis.stop());
    await checkpointOften(postgres.url);
    return { disk, postgres, redis, forgetRedis: () => rm(join(dir, 'appendonlydir'), { recursive: true }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** So that its log stays small, and a killed one is back soon: it is killed every few seconds. */
async function checkpointOften(url: string): Promise<void> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  try {
    const { rows } = await db.query<{ fsync: string }>('show fsync');
    if (rows[0]?.fsync !== 'on') throw new Error('PostgreSQL runs without fsync');
    await db.query(`alter system set checkpoint_timeout = '30s'`);
    await db.query('select pg_reload_conf()');
  } finally {
    await db.end();
  }
}
