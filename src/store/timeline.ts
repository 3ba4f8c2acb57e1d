/** What ran on a cluster, when and where: replicas with all of their runs. */
import { sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

export interface TimelineRow {
  readonly deployment_id: string;
  readonly name: string;
  /** Of its deployment. */
  readonly status: DeploymentStatus;
  readonly attempt: number;
  readonly replica: number;
  /** Null: the node is gone. */
  readonly node_id: string | null;
  readonly node: string;
  readonly started_at: Date;
  /** Null: it has not ended. */
  readonly ended_at: Date | null;
  readonly reason_code: string | null;
  /** When its time limit ends it at the latest; null where it has none, or has ended. */
  readonly expected_end_at: Date | null;
}

interface Span {
  readonly from: Date;
  readonly to: Date;
  readonly limit: number;
}

/**
 * Runs that overlap the time from `from` to `to`, the latest first. What starts is on its node from its admission on.
 *
 * Whose replicas could overlap is found by the indexes of what is active, of what is over, and of the queue: one that waits may have run
 * before.
 */
export async function readTimeline(
  db: Database,
  scope: Scope,
  clusterId: string,
  { from, to, limit }: Span,
): Promise<TimelineRow[]> {
  const isOver = sql`status in ('succeeded', 'failed', 'cancelled', 'skipped') and finished_at >= ${from}`;
  const columns = sql`id, name, status, attempt, admitted_at, started_at, time_limit_s`;
  const { rows } = await sql<TimelineRow>`
    with mine as materialized (
      select id from cluster where id = ${clusterId} and organization_id = ${scope.organizationId}
    ), known as materialized (
      select ${columns} from deployment where cluster_id in (select id from mine) and status in ('starting', 'running', 'stopping')
      union all
      select ${columns} from deployment where cluster_id in (select id from mine) and status = 'queued' and attempt > 1
      union all
      select ${columns} from deployment where cluster_id in (select id from mine) and keep_for_s is null and ${isOver}
      union all
      select ${columns} from deployment where cluster_id in (select id from mine) and keep_for_s is not null and ${isOver}
    ), run as (
      select r.deployment_id, r.attempt, r.index, r.run, r.node_id, r.node_name, r.finished_at, r.reason_code,
             coalesce(r.started_at, case when r.status = 'starting' and r.attempt = k.attempt then k.admitted_at end) as started_at
        from known k join replica r on r.deployment_id = k.id
      union all
      -- Of the latest run the replica itself tells.
      select o.deployment_id, o.attempt, o.index, o.run, coalesce(o.node_id, r.node_id), coalesce(o.node_name, r.node_name),
             o.finished_at, o.reason_code, o.started_at
        from known k join replica r on r.deployment_id = k.id
        join replica_run o on o.deployment_id = r.deployment_id and o.attempt = r.attempt and o.index = r.index and o.run < r.run
    )
    select k.id as deployment_id, k.name, k.status, r.attempt, r.index as replica, r.node_id, r.node_name as node, r.started_at,
           r.finished_at as ended_at, r.reason_code,
           case when r.finished_at is null then k.started_at + make_interval(secs => k.time_limit_s) end as expected_end_at
      from run r join known k on k.id = r.deployment_id
     where r.started_at <= ${to} and (r.finished_at is null or r.finished_at >= ${from})
     order by r.started_at desc, r.deployment_id, r.attempt, r.index, r.run desc limit ${limit}`.execute(db);
  return rows;
}
