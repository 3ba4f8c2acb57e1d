import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from './database.ts';

/** The identity of this installation, made at the first start: our containers carry it as a label, and no others are touched. */
export async function installationId(db: Database): Promise<string> {
  await db
    .insertInto('installation')
    .values({ id: uuidv7() })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { rows } = await sql<{ id: string }>`select id from installation order by id limit 1`.execute(db);
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('the installation has no identity: its row was deleted');
  return id;
}
