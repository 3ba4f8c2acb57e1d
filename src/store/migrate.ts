import { type Migration, type MigrationResultSet, Migrator, sql } from 'kysely';
import type { Database } from './database.ts';
import { up as initial } from './migrations/0001-initial.ts';
import { up as eventHorizon } from './migrations/0002-event-horizon.ts';
import { up as whereItMayRun } from './migrations/0003-where-it-may-run.ts';
import { up as preemption } from './migrations/0004-preemption.ts';
import { up as qualityOfPasses } from './migrations/0005-quality-of-passes.ts';
import { up as learnedBackfill } from './migrations/0006-learned-backfill.ts';
import { up as solverOfPasses } from './migrations/0007-solver-of-passes.ts';
import { up as plannerChanges } from './migrations/0008-planner-changes.ts';
import { up as runs } from './migrations/0010-runs.ts';
import { up as revisions } from './migrations/0011-revisions.ts';
import { up as healthChecks } from './migrations/0013-health-checks.ts';
import { up as hostPorts } from './migrations/0014-host-ports.ts';
import { up as secrets } from './migrations/0015-secrets.ts';
import { up as dataAndNetwork } from './migrations/0016-data-and-network.ts';
import { up as usage } from './migrations/0018-usage.ts';
import { up as arraysAndDependencies } from './migrations/0019-arrays-and-dependencies.ts';
import { up as schedules } from './migrations/0020-schedules.ts';
import { up as retention } from './migrations/0021-retention.ts';
import { up as engines } from './migrations/0022-engines.ts';
import { up as drain } from './migrations/0023-drain.ts';
import { up as maintenance } from './migrations/0024-maintenance.ts';
import { up as webhooks } from './migrations/0025-webhooks.ts';
import { up as fileSets } from './migrations/0026-file-sets.ts';
import { up as volumeEngines } from './migrations/0027-volume-engines.ts';
import { up as clusterHistory } from './migrations/0028-cluster-history.ts';
import { up as nodesOfRuns } from './migrations/0029-nodes-of-runs.ts';
import { up as passDetail } from './migrations/0030-pass-detail.ts';
import { up as sessionsInUse } from './migrations/0031-sessions-in-use.ts';
import { up as processes } from './migrations/0032-processes.ts';
import { up as transactionsGoOn } from './migrations/0036-transactions-go-on.ts';
import { up as traceParent } from './migrations/0037-trace-parent.ts';
import { up as swarms } from './migrations/0038-swarms.ts';
import { up as simulatedCreated } from './migrations/0039-simulated-created.ts';

// Named here one by one, not read from a folder: what is bundled or moved keeps its migrations.
const migrations: Record<string, Migration> = {
  '0001-initial': { up: initial },
  '0002-event-horizon': { up: eventHorizon },
  '0003-where-it-may-run': { up: whereItMayRun },
  '0004-preemption': { up: preemption },
  '0005-quality-of-passes': { up: qualityOfPasses },
  '0006-learned-backfill': { up: learnedBackfill },
  '0007-solver-of-passes': { up: solverOfPasses },
  '0008-planner-changes': { up: plannerChanges },
  '0010-runs': { up: runs },
  '0011-revisions': { up: revisions },
  '0013-health-checks': { up: healthChecks },
  '0014-host-ports': { up: hostPorts },
  '0015-secrets': { up: secrets },
  '0016-data-and-network': { up: dataAndNetwork },
  '0022-engines': { up: engines },
  '0023-drain': { up: drain },
  '0024-maintenance': { up: maintenance },
  '0019-arrays-and-dependencies': { up: arraysAndDependencies },
  '0020-schedules': { up: schedules },
  '0021-retention': { up: retention },
  '0018-usage': { up: usage },
  '0025-webhooks': { up: webhooks },
  '0026-file-sets': { up: fileSets },
  '0027-volume-engines': { up: volumeEngines },
  '0028-cluster-history': { up: clusterHistory },
  '0029-nodes-of-runs': { up: nodesOfRuns },
  '0030-pass-detail': { up: passDetail },
  '0031-sessions-in-use': { up: sessionsInUse },
  '0032-processes': { up: processes },
  '0036-transactions-go-on': { up: transactionsGoOn },
  '0037-trace-parent': { up: traceParent },
  '0038-swarms': { up: swarms },
  '0039-simulated-created': { up: simulatedCreated },
};

/**
 * Brings the schema up to date. Several processes may call it at once: Kysely holds an advisory lock meanwhile, and who
 * comes second finds nothing to do. Throws what the database said, with the name of the migration.
 */
export async function migrate(db: Database): Promise<void> {
  throwFailure(await migratorOf(db).migrateToLatest());
}

/**
 * Within a transaction that was begun on the one connection of `db`, and which the caller ends: up to the last migration that a copy of the
 * data was made with, or, without one, up to date.
 */
export async function migrateWithin(db: Database, last?: string): Promise<void> {
  const migrator = migratorOf(db, { disableTransactions: true });
  throwFailure(await (last === undefined ? migrator.migrateToLatest() : migrator.migrateTo(last)));
}

function migratorOf(db: Database, options: { disableTransactions?: boolean } = {}): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) }, ...options });
}

function throwFailure({ error, results }: MigrationResultSet): void {
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'the schema';
  throw new Error(`could not migrate ${failed}: ${error instanceof Error ? error.message : JSON.stringify(error)}`, {
    cause: error,
  });
}

/** Whether this version has a migration of that name: one that it does not know is of a newer version. */
export function isKnownMigration(name: string): boolean {
  return Object.hasOwn(migrations, name);
}

/** Whether every migration that this version knows was applied. */
export async function isMigrated(db: Database): Promise<boolean> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  return Object.keys(migrations).every((name) => applied.has(name));
}
