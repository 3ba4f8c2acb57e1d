/** Whether a database has room for an installation. */
import type pg from 'pg';
import { installationIn, quoted } from './read.ts';

/** What a control plane calls its connections. */
const controlPlanes = ['hypervisor', 'hypervisor listens', 'hypervisor tasks'];

export async function refuseUnlessEmpty(client: pg.Client, place: string, coming: string): Promise<void> {
  const there = await installationIn(client);
  if (there === coming)
    throw new Error(`${place} holds this installation already, whole: it comes there in one step or not at all`);
  if (there !== null)
    throw new Error(
      `${place} holds an installation already (${there}): name an empty database, or delete that one first`,
    );
  const { rows } = await client.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and not exists (select 1 from pg_depend where objid = c.oid and deptype = 'e')
      order by 1 limit 1`,
  );
  const [first] = rows;
  if (first !== undefined)
    throw new Error(`${place} is not empty: it has "${first.name}". Create a database for Hypervisor alone`);
}

export async function refuseWhileInUse(client: pg.Client, place: string): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::integer as count from pg_stat_activity
      where datname = current_database() and application_name = any ($1)`,
    [controlPlanes],
  );
  const count = rows[0]?.count ?? 0;
  if (count > 0) throw new Error(`a control plane runs on ${place} (${count} connections): stop it first`);
}

/** Deletes what is in the schema that Hypervisor uses. Within the transaction: should it end otherwise, nothing was. */
export async function clear(client: pg.Client): Promise<void> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
        and not exists (select 1 from pg_depend where objid = c.oid and deptype = 'e') order by 1`,
  );
  if (tables.length > 0) await client.query(`drop table ${tables.map(({ name }) => quoted(name)).join(', ')} cascade`);
  const { rows: functions } = await client.query<{ signature: string }>(
    `select p.oid::regprocedure::text as signature from pg_proc p
      where p.pronamespace = current_schema()::regnamespace
        and not exists (select 1 from pg_depend where objid = p.oid and deptype = 'e') order by 1`,
  );
  for (const { signature } of functions) await client.query(`drop function if exists ${signature} cascade`);
}
