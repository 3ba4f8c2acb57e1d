import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { PreparingClient } from './prepared.ts';
import type { Tables } from './tables.ts';

/** A connection pool, or one transaction on it: every query takes either, and says by its type which one it needs. */
export type Database = Kysely<Tables>;
export type InTransaction = Transaction<Tables>;

interface PoolOptions {
  /** The most connections. */
  readonly max?: number;
  /** Gets errors of idle connections (a server that went away): the pool replaces such a connection by itself. */
  readonly onError?: (error: Error) => void;
}

/** Opens a pool of connections to a PostgreSQL connection string. Nothing is connected until the first query. */
export function openPool(url: string, options: PoolOptions = {}): pg.Pool {
  const settings = { connectionString: url, max: options.max ?? 12, application_name: 'hypervisor', pipeline: true };
  const pool = new pg.Pool({ ...settings, Client: PreparingClient });
  pool.on('error', (error) => options.onError?.(error));
  // The pool listens only while a connection is idle. One that ends between two statements of a transaction would otherwise
  // be an error that nobody hears, and those end the process; its next query fails, and that is heard.
  pool.on('connect', (client) => client.on('error', (error) => options.onError?.(error)));
  return pool;
}

/** Destroying it ends the pool. */
export function databaseOn(pool: pg.Pool): Database {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

export function openDatabase(url: string, options: PoolOptions = {}): Database {
  return databaseOn(openPool(url, options));
}
