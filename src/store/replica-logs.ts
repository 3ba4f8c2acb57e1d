import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { sql } from 'kysely';
import type { ContainerKey, LogLine } from '../runtimes/runtime.ts';
import type { Database } from './database.ts';

const compress = promisify(gzip);
const expand = promisify(gunzip);

type LogKey = Pick<ContainerKey, 'deploymentId' | 'attempt' | 'replica' | 'run'>;

export interface KeptLog {
  readonly lines: readonly LogLine[];
  /** Its first lines are missing: there were too many. */
  readonly truncated: boolean;
}

/**
 * Keeps logs of ended runs beyond their containers' lives. Keeping one twice changes nothing, and neither does keeping that of a
 * deployment that was deleted meanwhile.
 */
export async function keepLogs(db: Database, logs: readonly (KeptLog & { readonly key: LogKey })[]): Promise<void> {
  if (logs.length === 0) return;
  const contents = await Promise.all(
    logs.map(({ lines }) => compress(lines.map((line) => JSON.stringify(line)).join('\n'))),
  );
  const keys = JSON.stringify(logs.map(({ key, truncated }, position) => ({ ...key, truncated, position })));
  // Rows are locked in one order: two batches may hold the same runs.
  await sql`
    with kept as materialized (
      select * from json_to_recordset(${keys}::json)
          as k("deploymentId" uuid, attempt int, replica int, run int, truncated boolean, position int)
    ), there as materialized (
      select r.deployment_id, r.attempt, r.index, k.run, k.truncated, k.position
        from replica r join kept k on k."deploymentId" = r.deployment_id and k.attempt = r.attempt and k.replica = r.index
       order by r.deployment_id, r.attempt, r.index for key share of r
    )
    insert into replica_log (deployment_id, attempt, index, run, content, truncated)
    select deployment_id, attempt, index, run, (array[${sql.join(contents)}]::bytea[])[position + 1], truncated from there
    on conflict do nothing`.execute(db);
}

/** The kept log; null where none was kept. The caller has checked that the deployment is one it may see. */
export async function readArchivedLog(db: Database, key: LogKey): Promise<KeptLog | null> {
  const row = await db
    .selectFrom('replica_log')
    .select(['content', 'truncated'])
    .where('deployment_id', '=', key.deploymentId)
    .where('attempt', '=', key.attempt)
    .where('index', '=', key.replica)
    .where('run', '=', key.run)
    .executeTakeFirst();
  if (row === undefined) return null;
  const text = (await expand(row.content)).toString('utf8');
  const lines = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as LogLine);
  return { lines, truncated: row.truncated };
}
