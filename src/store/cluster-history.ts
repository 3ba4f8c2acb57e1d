/** How clusters stood over time: a sample of each every few seconds, and averages of those that are old. */
import { sql } from 'kysely';
import type { Resources } from '../core/model.ts';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

/** How often a sample is taken. */
export const sampleSeconds = 15;
/** Of what is older than a day, one average stands for so long. */
const averageSeconds = 600;
const keptDays = 90;

/** What the containers of a cluster use, in thousandths; null: not known. */
export interface ClusterUse {
  readonly clusterId: string;
  readonly ram: number | null;
  readonly cpu: number | null;
  readonly gpu: number | null;
}

/** One sample of every cluster, in one statement. Of two processes that take the same one, the first counts. */
export async function takeSamples(db: Database, use: readonly ClusterUse[]): Promise<void> {
  await sql`
    insert into cluster_sample (cluster_id, step_s, at, ram, cpu, gpu, ram_allocated, cpu_allocated, gpu_allocated, ram_used, cpu_used,
           gpu_used, queued, running)
    select c.id, ${sampleSeconds}::int, date_bin(make_interval(secs => ${sampleSeconds}), now(), 'epoch'),
           n.ram, n.cpu, n.gpu, n.ram_allocated, n.cpu_allocated, n.gpu_allocated,
           -- Where nothing runs, nothing is used.
           case when d.active = 0 then 0 else u.ram end, case when d.active = 0 then 0 else u.cpu end,
           case when d.active = 0 or n.gpu_allocated = 0 then 0 else u.gpu end, q.queued, d.running
      from cluster c
      cross join lateral (
        select coalesce(sum(ram), 0) ram, coalesce(sum(cpu), 0) cpu, coalesce(sum(gpu), 0) gpu, coalesce(sum(ram_allocated), 0) ram_allocated,
               coalesce(sum(cpu_allocated), 0) cpu_allocated, coalesce(sum(gpu_allocated), 0) gpu_allocated
          from node where cluster_id = c.id) n
      cross join lateral (
        select count(*) as queued from deployment where cluster_id = c.id and status = 'queued') q
      cross join lateral (
        select count(*) as active, count(*) filter (where status = 'running') as running
          from deployment where cluster_id = c.id and status in ('starting', 'running', 'stopping')) d
      left join json_to_recordset(${JSON.stringify(use)}::json) as u("clusterId" uuid, ram bigint, cpu bigint, gpu bigint)
        on u."clusterId" = c.id
    on conflict do nothing`.execute(db);
}

/** Averages what is older than a day, and forgets what is older than three months. */
export async function thinSamples(db: Database): Promise<void> {
  await sql`
    with old as (
      delete from cluster_sample
       where step_s = ${sampleSeconds} and at < date_bin(make_interval(secs => ${averageSeconds}), now() - interval '1 day', 'epoch')
      returning *
    )
    insert into cluster_sample (cluster_id, step_s, at, ram, cpu, gpu, ram_allocated, cpu_allocated, gpu_allocated, ram_used, cpu_used,
           gpu_used, queued, running)
    select cluster_id, ${averageSeconds}::int, date_bin(make_interval(secs => ${averageSeconds}), at, 'epoch'), avg(ram), avg(cpu), avg(gpu),
           avg(ram_allocated), avg(cpu_allocated), avg(gpu_allocated), avg(ram_used), avg(cpu_used), avg(gpu_used), avg(queued), avg(running)
      from old group by 1, 3
    on conflict do nothing`.execute(db);
  await sql`
    delete from cluster_sample where step_s = ${averageSeconds} and at < now() - make_interval(days => ${keptDays})`.execute(
    db,
  );
}

/** Amounts are thousandths. */
export interface Sample {
  readonly at: Date;
  readonly total: Resources;
  readonly allocated: Resources;
  readonly used: { readonly [Dimension in keyof Resources]: number | null };
  readonly queued: number;
  readonly running: number;
}

interface Span {
  readonly from: Date;
  readonly to: Date;
  /** How many samples at most: averages of more. */
  readonly points: number;
}

/**
 * The samples of a time, the oldest first. The time is divided from the first sample on: of a cluster that is a minute old, all that there
 * is in its last hours is that minute, and as many points of it as of a whole day.
 */
export async function readSamples(
  db: Database,
  scope: Scope,
  clusterId: string,
  { from, to, points }: Span,
): Promise<Sample[]> {
  const { rows } = await sql<Sample>`
    with s as materialized (
      select s.* from cluster_sample s join cluster c on c.id = s.cluster_id
       where c.organization_id = ${scope.organizationId} and s.cluster_id = ${clusterId} and s.at >= ${from} and s.at < ${to}
    ), division as (
      select min(at) as begins, make_interval(secs => greatest(${sampleSeconds}::float8,
               extract(epoch from ${to}::timestamptz - min(at))::float8 / ${points}::int)) as width
        from s
    )
    select date_bin(width, s.at, begins) as at,
           json_build_object('ram', round(${average('ram')}), 'cpu', round(${average('cpu')}), 'gpu', round(${average('gpu')})) as total,
           json_build_object('ram', round(${average('ram_allocated')}), 'cpu', round(${average('cpu_allocated')}),
                             'gpu', round(${average('gpu_allocated')})) as allocated,
           json_build_object('ram', round(${average('ram_used')}), 'cpu', round(${average('cpu_used')}), 'gpu', round(${average('gpu_used')}))
             as used,
           round(${average('queued')}::numeric, 1)::float8 as queued, round(${average('running')}::numeric, 1)::float8 as running
      from s, division group by 1 order by 1`.execute(db);
  return rows;
}

/** Each counts for as long as it stands; those that are not known do not count. */
function average(column: string) {
  const value = sql.ref(`s.${column}`);
  return sql`(sum(${value} * s.step_s) / nullif(sum(s.step_s) filter (where ${value} is not null), 0))`;
}
