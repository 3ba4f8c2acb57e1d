/** Simulated containers that several processes share: what one of them starts, another one sees. */
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Times are milliseconds since the epoch. */
export interface SimulatedRow {
  readonly clusterId: string;
  readonly deploymentId: string;
  readonly attempt: number;
  readonly replica: number;
  readonly run: number;
  /** JSON: what it does, and nothing else of its environment. */
  readonly behaviour: Record<string, string>;
  /** Null: it was made, and not started yet. */
  readonly startedAt: number | null;
  /** When it ends by itself. */
  readonly endsAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
}

export type SimulatedKey = Pick<SimulatedRow, 'deploymentId' | 'attempt' | 'replica' | 'run'>;

const columns = sql`
  cluster_id as "clusterId", deployment_id as "deploymentId", attempt, replica, run, behaviour, exit_code as "exitCode",
  (extract(epoch from started_at) * 1000)::float8 as "startedAt", (extract(epoch from ends_at) * 1000)::float8 as "endsAt",
  (extract(epoch from least(ended_at, ends_at)) * 1000)::float8 as "endedAt"`;

const isOne = ({ deploymentId, attempt, replica, run }: SimulatedKey) => sql`
  deployment_id = ${deploymentId} and attempt = ${attempt} and replica = ${replica} and run = ${run}`;

interface NewSimulated extends SimulatedKey {
  readonly clusterId: string;
  readonly behaviour: Record<string, string>;
  readonly exitCode: number;
}

/** Adds it, not started, where it is not there yet, and returns it as it is then. */
export async function addSimulated(db: Database, one: NewSimulated): Promise<SimulatedRow> {
  const { rows } = await sql<SimulatedRow>`
    insert into simulated_container (cluster_id, deployment_id, attempt, replica, run, behaviour, exit_code)
    values (${one.clusterId}, ${one.deploymentId}, ${one.attempt}, ${one.replica}, ${one.run}, ${JSON.stringify(one.behaviour)}::jsonb,
            ${one.exitCode})
    on conflict do nothing returning ${columns}`.execute(db);
  const found = rows[0] ?? (await readSimulated(db, one));
  if (found === null) throw new Error('the container was removed while it was started');
  return found;
}

/** Starts it for so many milliseconds (null: until it is stopped), unless somebody else did. Null where it is not there any more. */
export async function startSimulated(
  db: Database,
  key: SimulatedKey,
  runMs: number | null,
): Promise<SimulatedRow | null> {
  const { rows } = await sql<SimulatedRow>`
    update simulated_container
       set started_at = clock_timestamp(), ends_at = clock_timestamp() + make_interval(secs => ${runMs === null ? null : runMs / 1000}::float8)
     where ${isOne(key)} and started_at is null returning ${columns}`.execute(db);
  return rows[0] ?? readSimulated(db, key);
}

export async function readSimulated(db: Database, key: SimulatedKey): Promise<SimulatedRow | null> {
  const { rows } = await sql<SimulatedRow>`select ${columns} from simulated_container where ${isOne(key)}`.execute(db);
  return rows[0] ?? null;
}

export async function listSimulated(db: Database, clusterId: string | undefined): Promise<SimulatedRow[]> {
  const which = clusterId === undefined ? sql`true` : sql`cluster_id = ${clusterId}`;
  const { rows } = await sql<SimulatedRow>`
    select ${columns} from simulated_container where ${which} order by deployment_id, attempt, replica, run`.execute(
    db,
  );
  return rows;
}

/** Those that have ended since a time, by the database's clock, which comes with them. */
export async function simulatedEndedSince(
  db: Database,
  since: number,
): Promise<{ now: number; ended: SimulatedRow[] }> {
  const { rows } = await sql<SimulatedRow & { now: number }>`
    select t.now, s.* from (select (extract(epoch from clock_timestamp()) * 1000)::float8 as now) t
      left join (select ${columns} from simulated_container
                  where least(ended_at, ends_at) >= to_timestamp(${since / 1000}::float8)
                    and least(ended_at, ends_at) <= clock_timestamp()) s on true
     order by s."endedAt"`.execute(db);
  return { now: rows[0]?.now ?? since, ended: rows.filter(({ deploymentId }) => deploymentId !== null) };
}

/** Ends it where it still runs. */
export async function endSimulated(db: Database, key: SimulatedKey, exitCode: number): Promise<void> {
  await sql`
    update simulated_container set ended_at = clock_timestamp(), exit_code = ${exitCode}
     where ${isOne(key)} and started_at is not null and ended_at is null and (ends_at is null or ends_at > clock_timestamp())`.execute(
    db,
  );
}

export async function removeSimulated(db: Database, key: SimulatedKey): Promise<void> {
  await sql`delete from simulated_container where ${isOne(key)}`.execute(db);
}
