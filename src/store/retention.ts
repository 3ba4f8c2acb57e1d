/** What has ended long ago is deleted, with its replicas and logs. Its events stay: they say what happened. */
import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

/** Bounds a transaction: the next follows at once. */
const batchMax = 200;

/**
 * Nothing of it is left to clean up, nobody waits for it, and no file declares it: a job that was applied has run for as long as it is
 * known that it has.
 */
const isFree = sql`
  d.file_set is null
  and not exists (select 1 from replica r where r.deployment_id = d.id and r.status = 'ended' and not r.cleaned)
  and not exists (select 1 from dependency x join deployment w on w.id = x.deployment_id and w.status = 'queued'
                   where x.state = 'waiting' and (x.upstream_id = d.id or x.upstream_array_id = d.array_id))`;

const isOver = sql`d.status in ('succeeded', 'failed', 'cancelled', 'skipped')`;

/** Deletes what is past its time, at most a few hundred. Returns how many, and whether there may be more. */
export async function removeExpiredDeployments(db: Database): Promise<{ removed: number; more: boolean }> {
  const ofPolicy = await remove(
    db,
    sql`cluster c cross join lateral (
      select d.id, d.array_id from deployment d
       where d.cluster_id = c.id and d.keep_for_s is null and ${isOver}
         and d.finished_at < now() - make_interval(secs => c.retention_s) and ${isFree}
       order by d.finished_at, d.id limit ${batchMax}) d`,
    sql`c.retention_s is not null`,
  );
  const ofItsOwn = await remove(
    db,
    sql`deployment d`,
    sql`d.keep_for_s is not null and ${isOver} and d.finished_at < now() - make_interval(secs => d.keep_for_s) and ${isFree}`,
  );
  return { removed: ofPolicy + ofItsOwn, more: ofPolicy === batchMax || ofItsOwn === batchMax };
}

async function remove(db: Database, from: RawBuilder<unknown>, where: RawBuilder<unknown>): Promise<number> {
  // Locked in the order of ids, and asked once more: somebody may have queued it again, or begun to wait for it.
  const { rows } = await sql`
    with due as materialized (
      select d.id from ${from} where ${where} order by d.id limit ${batchMax}
    ), locked as materialized (
      select d.id from deployment d where d.id in (select id from due) and ${isOver} order by d.id for update skip locked
    ), removed as (
      delete from deployment d using locked l where d.id = l.id and ${isOver}
      returning d.id, d.organization_id, d.cluster_id, d.name, d.status, d.finished_at
    ), told as (
      insert into event (organization_id, cluster_id, deployment_id, type, message, data)
      select organization_id, cluster_id, id, 'deployment.expired', name || ' was kept for as long as it was to be, and is deleted',
             jsonb_build_object('status', status, 'finished_at', finished_at) from removed order by id
    )
    select id from removed`.execute(db);
  return rows.length;
}

/** Until when it is kept; null: for ever, or it is not over. */
export async function readExpiry(db: Database, scope: Scope, deploymentId: string): Promise<Date | null> {
  const { rows } = await sql<{ expires_at: Date | null }>`
    select d.finished_at + make_interval(secs => coalesce(d.keep_for_s, c.retention_s)) as expires_at
      from deployment d join cluster c on c.id = d.cluster_id
     where d.organization_id = ${scope.organizationId} and d.id = ${deploymentId}
       and d.file_set is null and ${isOver}`.execute(db);
  return rows[0]?.expires_at ?? null;
}
