import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { sql } from 'kysely';
import type { ContainerKey, LogLine } from '../runtimes/runtime.ts';
import type { Database } from './database.ts';

const compress = promisify(gzip);
const expand = promisify(gunzip);

type LogKey = Pick<ContainerKey, 'deploymentId' | 'attempt' | 'replica' | 'run'>;

/**
 * Keeps the log of an ended run beyond the container's life. Keeping it twice changes nothing, and neither does keeping
 * that of a deployment that was deleted meanwhile.
 */
export async function keepLog(db: Database, key: LogKey, lines: readonly LogLine[], truncated: boolean): Promise<void> {
  const content = await compress(lines.map((line) => JSON.stringify(line)).join('\n'));
  await sql`
    insert into replica_log (deployment_id, attempt, index, run, content, truncated)
    select deployment_id, attempt, index, ${key.run}::int, ${content}, ${truncated} from replica
     where deployment_id = ${key.deploymentId} and attempt = ${key.attempt} and index = ${key.replica} for key share
    on conflict do nothing`.execute(db);
}

export interface KeptLog {
  readonly lines: readonly LogLine[];
  /** Its first lines are missing: there were too many. */
  readonly truncated: boolean;
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
