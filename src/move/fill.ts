/**
 * Puts an installation into a database, in one transaction: whatever happens meanwhile, afterwards all of it is there or nothing, and it
 * can be tried again.
 */

import { pipeline } from 'node:stream/promises';
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { isKnownMigration, migrateWithin } from '../store/migrate.ts';
import type { Tables } from '../store/tables.ts';
import { goOnBehind } from '../store/transaction-offset.ts';
import type { Contents, Shape, TableShape, Totals } from './contents.ts';
import type { Progress } from './progress.ts';
import { quoted, rowsOf, tablesIn } from './read.ts';
import { clear, refuseUnlessEmpty, refuseWhileInUse } from './room.ts';
import { RowSum } from './row-sum.ts';

export interface FillOptions {
  /** For messages. */
  readonly place: string;
  /** Delete first what is there. */
  readonly replace: boolean;
  readonly progress: Progress;
  readonly say: (message: string) => void;
}

const fillLock = 7_214_602;

/** Resolves to what has arrived, which is what was sent: throws otherwise, and leaves the database as it was. */
export async function fill(client: pg.Client, contents: Contents, options: FillOptions): Promise<Totals> {
  const { shape } = contents;
  if (!isKnownMigration(shape.migration))
    throw new Error(`this was made by a newer version of Hypervisor (it has "${shape.migration}"): use that version`);
  const db = onOneConnection(client);
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [fillLock]);
    await refuseWhileInUse(client, options.place);
    if (options.replace) await clear(client);
    else await refuseUnlessEmpty(client, options.place, shape.installationId);
    await migrateWithin(db, shape.migration);
    await checkTables(client, shape);
    const putBack = await withoutChecks(client, shape.tables);
    await copyIn(client, contents, options.progress);
    await setSequences(client, shape);
    options.say('comparing what arrived');
    const arrived = await totalsIn(client, shape.tables, options.progress);
    compare(contents.totals(), arrived);
    options.say('checking its references');
    await putBack();
    await migrateWithin(db);
    await goOnBehind(db, BigInt(shape.horizon));
    await client.query('commit');
    return arrived;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** For what speaks Kysely: all of it on this connection, and so in its transaction. */
function onOneConnection(client: pg.Client): Kysely<Tables> {
  const lent = Object.assign(client, { release: () => undefined });
  const pool = { connect: () => Promise.resolve(lent), end: () => Promise.resolve() };
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** The same migrations make the same tables; where not, somebody has changed some by hand. */
async function checkTables(client: pg.Client, { tables, migration }: Shape): Promise<void> {
  const made = new Map((await tablesIn(client)).map(({ name, columns }) => [name, new Set(columns)]));
  for (const { name, columns } of tables) {
    const strange = made.has(name) ? columns.find((column) => !made.get(name)?.has(column)) : '';
    if (strange !== undefined)
      throw new Error(
        `the table "${name}"${strange && `, column "${strange}",`} is not of Hypervisor as of "${migration}": move it elsewhere first`,
      );
  }
}

/**
 * Rows come table by table, in no order that references could be kept in, and with all that triggers have written before. What this
 * returns makes all references again, and so checks them.
 */
async function withoutChecks(client: pg.Client, tables: readonly TableShape[]): Promise<() => Promise<void>> {
  const { rows: references } = await client.query<{ on: string; name: string; definition: string }>(
    `select conrelid::regclass::text as on, conname as name, pg_get_constraintdef(oid) as definition
       from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace order by 1, 2`,
  );
  for (const { on, name } of references) await client.query(`alter table ${on} drop constraint ${quoted(name)}`);
  for (const { name } of tables) await client.query(`alter table ${quoted(name)} disable trigger user`);
  // A migration may have written first rows.
  await client.query(`truncate ${tables.map(({ name }) => quoted(name)).join(', ')}`);
  return async () => {
    for (const { name } of tables) await client.query(`alter table ${quoted(name)} enable trigger user`);
    for (const { on, name, definition } of references)
      await client.query(`alter table ${on} add constraint ${quoted(name)} ${definition}`);
    // Nobody has looked at the new tables yet, and the first plans are made with what is known of them.
    await client.query(`analyze ${tables.map(({ name }) => quoted(name)).join(', ')}`);
  };
}

async function copyIn(client: pg.Client, contents: Contents, progress: Progress): Promise<void> {
  const shapes = new Map(contents.shape.tables.map((table) => [table.name, table]));
  const pieces = contents.pieces()[Symbol.asyncIterator]();
  let next = await pieces.next();
  while (next.done !== true) {
    const { table } = next.value;
    const shape = shapes.get(table);
    if (shape === undefined) throw new Error(`there are rows of "${table}", which is not among the tables`);
    const sum = new RowSum();
    const rows = async function* () {
      while (next.done !== true && next.value.table === table) {
        sum.add(next.value.data);
        progress.told(table, sum.rows);
        yield next.value.data;
        next = await pieces.next();
      }
    };
    const columns = shape.columns.map(quoted).join(', ');
    await pipeline(rows, client.query(copyFrom(`copy ${quoted(table)} (${columns}) from stdin`)));
  }
}

async function setSequences(client: pg.Client, { sequences }: Shape): Promise<void> {
  for (const { name, value, isCalled } of sequences)
    await client.query('select setval(quote_ident($1)::regclass, $2::bigint, $3)', [name, value, isCalled]);
}

async function totalsIn(client: pg.Client, tables: readonly TableShape[], progress: Progress): Promise<Totals> {
  const totals: Record<string, Totals[string]> = {};
  for (const table of tables) {
    const sum = new RowSum();
    for await (const data of rowsOf(client, table)) {
      sum.add(data);
      progress.told(table.name, sum.rows);
    }
    totals[table.name] = sum.total();
  }
  return totals;
}

function compare(sent: Totals, arrived: Totals): void {
  for (const [table, there] of Object.entries(arrived)) {
    const { rows, sum } = sent[table] ?? { rows: 0, sum: new RowSum().total().sum };
    if (there.rows === rows && there.sum === sum) continue;
    const found = there.rows === rows ? 'with other contents' : `of which ${there.rows} arrived`;
    throw new Error(`"${table}" has ${rows} rows, ${found}: nothing was kept of it. Is the file damaged? Try again`);
  }
}
