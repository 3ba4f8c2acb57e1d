/** The health of replicas: which ones are checked, what was found, and how many are ready. */
import { sql } from 'kysely';
import type { Health } from '../core/health.ts';
import { activeStatuses } from '../core/lifecycle.ts';
import type { ContainerKey } from '../runtimes/runtime.ts';
import type { Database } from './database.ts';
import { numberBehind } from './events.ts';
import type { Scope } from './scope.ts';
import type { HealthCheckColumn, RuntimeKind } from './tables.ts';

/** A replica that runs and whose health is to be checked. */
export interface CheckedReplica {
  readonly key: ContainerKey;
  readonly runtime: RuntimeKind;
  /** Where its container is; null: on the installation's own engine. */
  readonly engineId: string | null;
  /** It is started again by its restart policy when it is unhealthy. */
  readonly isRestarted: boolean;
  readonly stopGraceSeconds: number;
  readonly check: HealthCheckColumn;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** As it was written down last; null where it was not looked at yet. */
  readonly health: Health | null;
  readonly message: string | null;
}

interface CheckedRow {
  deployment_id: string;
  cluster_id: string;
  attempt: number;
  index: number;
  run: number;
  runtime: RuntimeKind;
  engine_id: string | null;
  is_restarted: boolean;
  stop_grace_s: number;
  health_check: HealthCheckColumn;
  started_ms: string;
  health: Health | null;
  health_message: string | null;
}

/** All of them, not on behalf of a person, and so across organizations. What is being stopped is not looked at any more. */
export async function readChecked(db: Database): Promise<CheckedReplica[]> {
  const { rows } = await sql<CheckedRow>`
    select d.id as deployment_id, d.cluster_id, r.attempt, r.index, r.run, c.runtime, r.engine_id, d.health_check,
           coalesce(d.restart ->> 'policy' <> 'never', false) as is_restarted, d.stop_grace_s,
           floor(extract(epoch from r.started_at) * 1000)::bigint as started_ms, r.health, r.health_message
      from deployment d join replica r on r.deployment_id = d.id and r.attempt = d.attempt join cluster c on c.id = d.cluster_id
     where d.health_check is not null and d.status in ('starting', 'running') and r.status = 'running'
     order by d.id, r.index`.execute(db);
  return rows.map((row) => ({
    key: {
      clusterId: row.cluster_id,
      deploymentId: row.deployment_id,
      attempt: row.attempt,
      replica: row.index,
      run: row.run,
    },
    runtime: row.runtime,
    engineId: row.engine_id,
    isRestarted: row.is_restarted,
    stopGraceSeconds: row.stop_grace_s,
    check: row.health_check,
    startedAt: Number(row.started_ms),
    health: row.health,
    message: row.health_message,
  }));
}

export interface Finding {
  readonly key: ContainerKey;
  readonly health: Health;
  readonly message: string;
}

/**
 * Writes down what was found, of replicas that still run; an event tells of those that became healthy or unhealthy by it. Returns
 * whether there was any. Locks deployments by id, as observations do.
 */
export async function recordHealth(db: Database, findings: readonly Finding[]): Promise<boolean> {
  const records = JSON.stringify(
    findings.map(({ key, health, message }) => ({
      deployment_id: key.deploymentId,
      attempt: key.attempt,
      index: key.replica,
      run: key.run,
      health,
      message,
    })),
  );
  const ids = [...new Set(findings.map(({ key }) => key.deploymentId))];
  return db.transaction().execute(async (tx) => {
    await sql`select 1 from deployment where id = any(${ids}::uuid[]) order by id for no key update`.execute(tx);
    const { rows } = await sql`
      with found as materialized (
        select f.*, d.organization_id, d.cluster_id, d.replicas, r.health is distinct from f.health as is_other
          from json_to_recordset(${records}::json) as f(deployment_id uuid, attempt int, index int, run int, health text, message text)
          join replica r on r.deployment_id = f.deployment_id and r.attempt = f.attempt and r.index = f.index
          join deployment d on d.id = f.deployment_id
         where r.status = 'running' and r.run = f.run
      ), written as (
        update replica r
           set health = f.health, health_message = f.message,
               health_since = case when f.is_other then now() else r.health_since end
          from found f
         where r.deployment_id = f.deployment_id and r.attempt = f.attempt and r.index = f.index
      )
      insert into event (tx, organization_id, cluster_id, deployment_id, type, message, data)
      select ${numberBehind(sql`deployment_id`)}, organization_id, cluster_id, deployment_id, 'replica.' || health,
             case when replicas > 1 then 'replica ' || index || ' is ' else 'it is ' end || health || ': ' || message,
             jsonb_build_object('attempt', attempt, 'replica', index)
        from found where is_other and health <> 'starting' order by deployment_id, index
      returning id`.execute(tx);
    return rows.length > 0;
  });
}

interface ReadyRow {
  id: string;
  ready: number;
}

/** How many replicas of these deployments are ready, by id; those that have none are left out. */
export async function readReady(
  db: Database,
  scope: Scope,
  deployments: readonly { readonly id: string; readonly status: string }[],
): Promise<Map<string, number>> {
  const active: readonly string[] = activeStatuses;
  const ids = deployments.filter(({ status }) => active.includes(status)).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const { rows } = await sql<ReadyRow>`
    select d.id, count(*)::int as ready
      from deployment d join replica r on r.deployment_id = d.id and r.attempt = d.attempt
     where d.organization_id = ${scope.organizationId} and d.id = any(${ids}::uuid[]) and r.status = 'running'
       and (d.health_check is null or r.health = 'healthy')
     group by d.id`.execute(db);
  return new Map(rows.map(({ id, ready }) => [id, ready]));
}
