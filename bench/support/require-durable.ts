import { sql } from 'kysely';
import type { Database } from '../../src/store/database.ts';
import type { BenchContext } from './bench.ts';

/** Throws where what is acknowledged might not be on disk: then a figure would say nothing. */
export async function requireDurable(context: BenchContext, db: Database): Promise<void> {
  const { rows } = await sql<{ fsync: string; commit: string; version: string }>`
    select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
           current_setting('server_version') as version`.execute(db);
  const [one] = rows;
  context.say(`PostgreSQL ${one?.version}, fsync ${one?.fsync}, synchronous_commit ${one?.commit}`);
  if (one?.fsync !== 'on' || one.commit !== 'on') throw new Error('what is acknowledged would not be durable');
}
