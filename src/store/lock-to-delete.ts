import { type RawBuilder, sql } from 'kysely';
import type { InTransaction } from './database.ts';

/**
 * Locks deployments that are about to be deleted, and what goes with them: a deletion takes rows in whatever order they lie in, and whoever
 * takes several in another one would wait for it while it waits for them. Deployments by id, as observations do; then runs and replicas, as
 * who keeps their logs and cleans up after them does (replica-logs.ts, ended-runs.ts). `which` says which, of `d`.
 */
export async function lockToDelete(tx: InTransaction, which: RawBuilder<boolean>): Promise<void> {
  await sql`select count(*) from (select 1 from deployment d where ${which} order by d.id for update) locked`.execute(
    tx,
  );
  await sql`
    select count(*) from (
      select 1 from replica_run r join deployment d on d.id = r.deployment_id where ${which}
       order by r.deployment_id, r.attempt, r.index, r.run for update of r) locked`.execute(tx);
  await sql`
    select count(*) from (
      select 1 from replica r join deployment d on d.id = r.deployment_id where ${which}
       order by r.deployment_id, r.attempt, r.index for update of r) locked`.execute(tx);
}
