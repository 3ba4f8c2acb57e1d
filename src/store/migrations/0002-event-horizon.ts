import { type Kysely, sql } from 'kysely';

/**
 * Up to where the log of events is complete: the oldest transaction of *this database* that still runs. The server's own
 * answer (the snapshot's xmin) counts those of all of its databases: a long transaction in a neighbour would hold back what
 * is long committed here. A transaction is left out only where its process is seen at work in another database, or keeping
 * tables in order, which writes no events; one that ends while this is computed still counts.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    create function event_horizon() returns xid8 language sql stable as $$
      select coalesce(
        (select min(running::text::numeric)::text::xid8
           from pg_snapshot_xip(pg_current_snapshot()) running
          where not exists (
            select 1 from pg_locks held join pg_stat_activity process on process.pid = held.pid
             where held.locktype = 'transactionid' and held.granted and held.mode = 'ExclusiveLock'
               and held.transactionid::text::bigint = (running::text::numeric % 4294967296)::bigint
               and (process.datid <> (select oid from pg_database where datname = current_database())
                    or process.backend_type = 'autovacuum worker'))),
        pg_snapshot_xmax(pg_current_snapshot()))
    $$
  `.execute(db);
}
