import { sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';

/**
 * Positions in the log of events that somebody holds may be of later than what is in the database: it was restored from a backup. So far
 * ahead are the next ones.
 */
const aheadBy = 1_000_000_000n;
const offsetLock = 7_214_601;

/**
 * Where the data came here from another server, by whatever way, its events may bear numbers that this server has not counted to yet
 * (migrations/0036). Then numbers go on behind them. Cheap where nothing is to be done: at each start.
 */
export async function goOnBehindEvents(db: Database): Promise<void> {
  if ((await lastNumbers(db)) === null) return;
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${offsetLock})`.execute(tx);
    const last = await lastNumbers(tx);
    if (last !== null) await goOnBehind(tx, last);
  });
}

/** From the next transaction on, numbers are far behind `last`. Nobody else may write meanwhile. */
export async function goOnBehind(tx: InTransaction | Database, last: bigint): Promise<void> {
  const { rows } = await sql<{ own: string }>`select pg_current_xact_id()::text as own`.execute(tx);
  const offset = last + aheadBy - BigInt(rows[0]?.own ?? 0);
  if (offset <= 0n) return;
  await sql
    .raw(
      `create or replace function transaction_offset() returns bigint language sql immutable parallel safe as 'select ${offset}::bigint'`,
    )
    .execute(tx);
}

/** The largest number that is in use; null where this server is past it. The last event by id tells, or nearly: it is found by an index. */
async function lastNumbers(db: Database | InTransaction): Promise<bigint | null> {
  const { rows: suspects } = await sql`
    select 1 from (select tx from event order by id desc limit 1) last where last.tx > next_transaction_number()`.execute(
    db,
  );
  if (suspects.length === 0) return null;
  const { rows } = await sql<{ last: string }>`
    select greatest((select max(tx) from event), (select max(tx) from pass), (select max(cursor_tx) from webhook))::text as last`.execute(
    db,
  );
  return BigInt(rows[0]?.last ?? 0);
}
