import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { PreparingClient } from './prepared.ts';
import type { Tables } from './tables.ts';

/** A connection pool, or one transaction on it: every query takes either, and says by its type which one it needs. */
export type Database = Kysely<Tables>;
export type InTransaction = Transaction<Tables>;

/**
 * Opens a pool. Nothing is connected until the first query.
 *
 * `url` is a PostgreSQL connection string; `max` the most connections. Errors of idle connections (a server that went away)
 * are handed to `onError`: the pool replaces such a connection by itself.
 */
export function openDatabase(url: string, options: { max?: number; onError?: (error: Error) => void } = {}): Database {
  const settings = { connectionString: url, max: options.max ?? 12, application_name: 'hypervisor', pipeline: true };
  const pool = new pg.Pool({ ...settings, Client: PreparingClient });
  pool.on('error', (error) => options.onError?.(error));
  // The pool listens only while a connection is idle. One that ends between two statements of a transaction would otherwise
  // be an error that nobody hears, and those end the process; its next query fails, and that is heard.
  pool.on('connect', (client) => client.on('error', (error) => options.onError?.(error)));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}
