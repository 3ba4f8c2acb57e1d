/** A real PostgreSQL with the schema in it: the embedded one in a temporary directory, or a new database on DATABASE_URL. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';

import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { BenchContext } from './bench.ts';

export interface BenchStore {
  readonly url: string;
  readonly db: Database;
}

/** `maxConnections` is for a server that is started here. */
export async function openStore(context: BenchContext, options: { maxConnections?: number } = {}): Promise<BenchStore> {
  const url = await databaseUrl(context, options);
  const db = await context.acquire(
    'the connections',
    () => Promise.resolve(openDatabase(url)),
    (open) => open.destroy(),
  );
  await migrate(db);
  const { rows } = await sql<{ version: string; fsync: string }>`
    select current_setting('server_version') as version, current_setting('fsync') as fsync`.execute(db);
  context.say(`PostgreSQL ${rows[0]?.version}, fsync ${rows[0]?.fsync}`);
  return { url, db };
}

/** A directory for everything, gone at the end. Others may enter it: PostgreSQL runs as another user where we are root. */
export function temporaryDirectory(context: BenchContext): Promise<string> {
  return context.acquire(
    'the temporary directory',
    async () => {
      const path = await mkdtemp(join(tmpdir(), 'hypervisor-bench-'));
      await chmod(path, 0o755);
      return path;
    },
    (path) => rm(path, { recursive: true, force: true }),
  );
}

async function databaseUrl(context: BenchContext, options: { maxConnections?: number }): Promise<string> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined) return newDatabaseOn(context, given);
  const dataDir = await temporaryDirectory(context);
  const postgres = await context.acquire(
    'the embedded PostgreSQL',
    () => startEmbeddedPostgres({ dataDir, ...options }),
    (started) => started.stop(),
  );
  return postgres.url;
}

async function newDatabaseOn(context: BenchContext, server: string): Promise<string> {
  const name = `hypervisor_bench_${process.pid}`;
  const admin = await context.acquire(
    'the connection to the server',
    () => Promise.resolve(openDatabase(server, { max: 1 })),
    (open) => open.destroy(),
  );
  await context.acquire(
    'the database',
    () => sql`create database ${sql.id(name)}`.execute(admin),
    async () => {
      await sql`drop database ${sql.id(name)} with (force)`.execute(admin);
    },
  );
  // Not through URL: it knows no socket directories with an empty host name.
  return server.replace(/^(postgres(?:ql)?:\/\/[^/]*)\/[^?]*/, `$1/${name}`);
}
