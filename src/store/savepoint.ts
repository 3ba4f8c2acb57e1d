import { sql } from 'kysely';
import type { InTransaction } from './database.ts';

/** Undoes what `change` has done where it throws, and only that. Throws where the connection is gone: then all is undone. */
export async function orUndo<T>(
  tx: InTransaction,
  change: () => Promise<T>,
  instead: (error: unknown) => T,
): Promise<T> {
  await sql`savepoint before_change`.execute(tx);
  try {
    const done = await change();
    await sql`release savepoint before_change`.execute(tx);
    return done;
  } catch (error) {
    await sql`rollback to savepoint before_change`.execute(tx);
    return instead(error);
  }
}
