import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toApiError } from '../../src/api/error-mapping.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url, { max: 1 });
  await sql`create table thing (id int primary key, name text)`.execute(db);
  await sql`insert into thing values (1, 'one'), (2, 'two')`.execute(db);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const statementsOf = async () =>
  (await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db)).rows;
const look = (of: Database, id: number) => sql<{ id: number }>`select * from thing where id = ${id}`.execute(of);
const divide = (by: number) => sql<{ of: number }>`select 10 / ${by}::int as of`.execute(db);
const named = (of: Database) => sql`select thing.* from thing where name = ${'one'}`.execute(of);

async function untilPrepared(ask: () => Promise<unknown>, text: string): Promise<void> {
  for (let asked = 0; asked < 10; asked += 1) await ask();
  expect((await statementsOf()).map(({ statement }) => statement)).toContainEqual(expect.stringContaining(text));
}

test('a statement that is asked again and again is prepared, and answers as before', async () => {
  await untilPrepared(() => look(db, 1), 'select * from thing where id');
  expect((await look(db, 1)).rows).toEqual([{ id: 1, name: 'one' }]);
  expect((await look(db, 2)).rows).toEqual([{ id: 2, name: 'two' }]);
  expect((await look(db, 3)).rows).toEqual([]);
});

test('an error of a prepared statement is that of the statement, and the connection goes on', async () => {
  await untilPrepared(() => divide(2), 'select 10 /');
  await expect(divide(0)).rejects.toMatchObject({ code: '22012' });
  expect((await divide(5)).rows).toEqual([{ of: 2 }]);
});

test('several statements in one text, as those of migrations are, can be asked as often as anybody likes', async () => {
  for (let asked = 0; asked < 10; asked += 1)
    await sql`insert into thing values (9); delete from thing where id = 9`.execute(db);
  expect((await look(db, 9)).rows).toEqual([]);
});

test('a statement whose result a migration changed is answered all the same', async () => {
  await untilPrepared(() => look(db, 1), 'select * from thing where id');
  await sql`alter table thing add column more int default 7`.execute(db);
  expect((await look(db, 1)).rows).toEqual([{ id: 1, name: 'one', more: 7 }]);
  expect((await look(db, 2)).rows).toEqual([{ id: 2, name: 'two', more: 7 }]);
});

test('within a transaction it fails that transaction, with an error that says to try again, and the next one is answered', async () => {
  await untilPrepared(() => named(db), 'select thing.* from thing');
  await sql`alter table thing add column most int`.execute(db);
  const failed = await db
    .transaction()
    .execute((tx) => named(tx))
    .catch((error: unknown) => error);
  expect(toApiError(failed, {}).code).toBe('store_busy');
  expect((await db.transaction().execute((tx) => named(tx))).rows).toHaveLength(1);
});

test('a transaction whose first statement fails changes nothing, and the connection goes on', async () => {
  await expect(
    db.transaction().execute(async (tx) => {
      await sql`insert into thing (id) values (${1})`.execute(tx);
    }),
  ).rejects.toMatchObject({ code: '23505' });
  await expect(
    db.transaction().execute(async (tx) => {
      await sql`insert into thing (id) values (${3})`.execute(tx);
      throw new Error('not after all');
    }),
  ).rejects.toThrow('not after all');
  expect((await look(db, 3)).rows).toEqual([]);
  await db.transaction().execute(async (tx) => {
    await sql`insert into thing (id) values (${3})`.execute(tx);
  });
  expect((await look(db, 3)).rows).toHaveLength(1);
});
