/** The processes that share this installation, and whether they live. */
import { sql } from 'kysely';
import type { ProcessRole } from '../process-roles.ts';
import type { Database } from './database.ts';

/**
 * Whether the process `p` lives: a killed one is known by its connection, which ends with it; one that hangs, or that the network keeps
 * from us, by its silence.
 */
export const isAlive = sql`(p.seen_at > clock_timestamp() - make_interval(secs => ${sql.lit(10)}) and exists (
  select 1 from pg_stat_activity a where a.pid = p.backend_pid and a.backend_start = p.backend_start))`;

/** Notes that a process is there. Returns how many others are. */
export async function noteSeen(db: Database, id: string): Promise<number> {
  const { rows } = await sql<{ others: number }>`
    with seen as (update process set seen_at = clock_timestamp() where id = ${id})
    select count(*)::int as others from process p where p.id <> ${id} and ${isAlive}`.execute(db);
  return rows[0]?.others ?? 0;
}

/** How many there are that live, by role. */
export async function countLivingByRole(db: Database): Promise<Map<ProcessRole, number>> {
  const { rows } = await sql<{ role: ProcessRole; count: number }>`
    select p.role, count(*)::int as count from process p where ${isAlive} group by p.role order by p.role`.execute(db);
  return new Map(rows.map(({ role, count }) => [role, count]));
}

/** It ends in good order: nobody need find out by its silence. */
export async function removeProcess(db: Database, id: string): Promise<void> {
  await sql`delete from process where id = ${id}`.execute(db);
}

/** Those that ended without a good-bye long ago. */
export async function removeDeadProcesses(db: Database): Promise<void> {
  await sql`delete from process p where p.seen_at < now() - interval '1 day' and not ${isAlive}`.execute(db);
}
