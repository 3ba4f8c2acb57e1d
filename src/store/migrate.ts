import { type Migration, Migrator } from 'kysely';
import type { Database } from './database.ts';
import * as initial from './migrations/0001-initial.ts';

// Named here one by one, not read from a folder: what is bundled or moved keeps its migrations.
const migrations: Record<string, Migration> = {
  '0001-initial': initial,
};

/**
 * Brings the schema up to date. Several processes may call it at once: Kysely holds an advisory lock meanwhile, and who
 * comes second finds nothing to do. Throws what the database said, with the name of the migration.
 */
export async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'the schema';
  throw new Error(`could not migrate ${failed}: ${error instanceof Error ? error.message : JSON.stringify(error)}`, {
    cause: error,
  });
}
