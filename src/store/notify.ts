import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Tells all processes that listen, this one too (listening.ts). */
export async function notify(db: Database, messages: readonly string[]): Promise<void> {
  await sql`select pg_notify('hypervisor', message) from unnest(${[...messages]}::text[]) as message`.execute(db);
}
