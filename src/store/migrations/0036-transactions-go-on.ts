import { type Kysely, sql } from 'kysely';

/**
 * Events are ordered by the numbers of transactions, and each server counts its own. Where a copy of the data goes on at another
 * server, whose numbers are smaller, `transaction_offset()` is given a value (src/move/fill.ts) that puts what is written there behind all
 * that was copied: else old events would be hidden, and new ones passed over by whoever reads on from a position.
 *
 * A function, and not a row: it is a part of each event's default, and costs nothing there.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create function transaction_offset() returns bigint language sql immutable parallel safe as 'select 0::bigint';

    create function transaction_number() returns xid8 language sql volatile as $$
      select (pg_current_xact_id()::text::numeric + transaction_offset())::text::xid8
    $$;
    alter table event alter column tx set default transaction_number();
    alter table pass alter column tx set default transaction_number();

    -- The first number that is not given out yet, as far as this snapshot knows.
    create function next_transaction_number() returns xid8 language sql stable as $$
      select (pg_snapshot_xmax(pg_current_snapshot())::text::numeric + transaction_offset())::text::xid8
    $$;

    -- As in 0002, but for the offset.
    create or replace function event_horizon() returns xid8 language sql stable as $$
      select coalesce(
        (select (min(running::text::numeric) + transaction_offset())::text::xid8
           from pg_snapshot_xip(pg_current_snapshot()) running
          where not exists (
            select 1 from pg_locks held join pg_stat_activity process on process.pid = held.pid
             where held.locktype = 'transactionid' and held.granted and held.mode = 'ExclusiveLock'
               and held.transactionid::text::bigint = (running::text::numeric % 4294967296)::bigint
               and (process.datid <> (select oid from pg_database where datname = current_database())
                    or process.backend_type = 'autovacuum worker'))),
        next_transaction_number())
    $$;
  `)
    .execute(db);
}
