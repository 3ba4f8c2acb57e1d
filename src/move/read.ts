/** Reads an installation out of its database: as it was at one moment, while others go on writing. */
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { isKnownMigration } from '../store/migrate.ts';
import type { Contents, Piece, SequenceState, Shape, TableShape, Totals } from './contents.ts';
import type { Progress } from './progress.ts';
import { RowSum } from './row-sum.ts';

const pieceBytes = 1024 * 1024;

/**
 * Not copied: what the migrations write themselves, and what has changed since planners last looked, which is of no use to one that
 * starts. The queue's tasks are in a schema of their own, and made again by the sweep.
 */
const leftOut = [
  'kysely_migration',
  'kysely_migration_lock',
  'planner_change',
  // Of processes that run, and they do not run there.
  'lease',
  'pass_request',
  'process',
  'simulated_container',
];

/** Begins the one transaction that all is read in; `place` is for messages. */
export async function readInstallation(client: pg.Client, place: string, progress: Progress): Promise<Contents> {
  await client.query('begin isolation level repeatable read read only');
  const shape = await readShape(client, place);
  const totals: Record<string, Totals[string]> = {};
  return {
    shape,
    totals: () => totals,
    async *pieces() {
      for (const table of shape.tables) {
        const sum = new RowSum();
        for await (const data of rowsOf(client, table)) {
          sum.add(data);
          progress.told(table.name, sum.rows);
          yield { table: table.name, data } satisfies Piece;
        }
        totals[table.name] = sum.total();
      }
    },
  };
}

/** All rows of a table, in pieces that are neither many nor large. */
export async function* rowsOf(client: pg.Client, { name, columns }: TableShape): AsyncGenerator<Buffer> {
  const stream = client.query(copyTo(`copy ${quoted(name)} (${columns.map(quoted).join(', ')}) to stdout`));
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function readShape(client: pg.Client, place: string): Promise<Shape> {
  const installationId = await installationIn(client);
  if (installationId === null)
    throw new Error(`there is no installation in ${place}: nothing was ever started there. Is it the right one?`);
  const migration = await lastMigration(client, place);
  const { rows } = await client.query<{ horizon: string }>('select event_horizon()::text as horizon');
  return {
    installationId,
    migration,
    horizon: rows[0]?.horizon ?? '0',
    tables: await tablesIn(client),
    sequences: await sequencesIn(client),
  };
}

/** The id of the installation that a database holds; null where it holds none. */
export async function installationIn(client: pg.Client): Promise<string | null> {
  const { rows: tables } = await client.query(`select 1 where to_regclass('installation') is not null`);
  if (tables.length === 0) return null;
  const { rows } = await client.query<{ id: string }>('select id from installation order by id limit 1');
  return rows[0]?.id ?? null;
}

async function lastMigration(client: pg.Client, place: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>('select name from kysely_migration order by name');
  const unknown = rows.find(({ name }) => !isKnownMigration(name));
  if (unknown !== undefined)
    throw new Error(`${place} was made by a newer version of Hypervisor (it has "${unknown.name}"): use that version`);
  const last = rows.at(-1);
  if (last === undefined) throw new Error(`the tables in ${place} were never made: start Hypervisor there once`);
  return last.name;
}

export async function tablesIn(client: pg.Client): Promise<TableShape[]> {
  const { rows } = await client.query<TableShape>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and c.relname <> all ($1)
      group by c.relname order by c.relname`,
    [leftOut],
  );
  return rows;
}

async function sequencesIn(client: pg.Client): Promise<SequenceState[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'S' and relnamespace = current_schema()::regnamespace order by 1`,
  );
  const states: SequenceState[] = [];
  for (const { name } of rows) {
    const { rows: found } = await client.query<{ value: string; called: boolean }>(
      `select last_value::text as value, is_called as called from ${quoted(name)}`,
    );
    const [state] = found;
    if (state !== undefined) states.push({ name, value: state.value, isCalled: state.called });
  }
  return states;
}
