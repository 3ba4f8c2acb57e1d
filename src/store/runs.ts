import { sql } from 'kysely';
import type { Snapshot } from '../core/model.ts';
import type { Database } from './database.ts';

/** As many as what is expected is learned from (src/core/runs.ts). */
const latest = 2;

interface RunRow {
  user: string;
  run_ms: number;
}

/**
 * By user: how long their latest jobs in the cluster ran, in milliseconds, the latest first. Users of whom nothing is known are
 * left out. The conditions are those of the index `deployment_runs`: a user costs a look at two entries of it, however long
 * the history is.
 */
export async function readRuns(
  db: Database,
  clusterId: string,
  users: Iterable<string>,
): Promise<NonNullable<Snapshot['runs']>> {
  const asked = [...new Set(users)];
  if (asked.length === 0) return {};
  const { rows } = await sql<RunRow>`
    select u.id as user, r.run_ms
      from unnest(${asked}::uuid[]) as u(id)
      cross join lateral (
        select d.id, d.finished_at, (extract(epoch from d.finished_at - d.started_at) * 1000)::float8 as run_ms
          from deployment d
         where d.cluster_id = ${clusterId} and d.submitted_by = u.id
           and d.kind = 'job' and d.status in ('succeeded', 'failed') and d.started_at is not null
           and (d.stop_intent is null or d.stop_intent in ('replica_failed', 'time_limit'))
         order by d.finished_at desc, d.id desc limit ${latest}) r
     order by u.id, r.finished_at desc, r.id desc`.execute(db);
  const runs: Record<string, number[]> = {};
  for (const { user, run_ms: run } of rows) (runs[user] ??= []).push(Math.max(0, Math.round(run)));
  return runs;
}
