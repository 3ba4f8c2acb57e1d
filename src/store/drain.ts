/**
 * Draining a node: nothing new is placed there, services move away, jobs finish or are stopped, and at last it is empty. Whoever is
 * moved goes back to the queue with its age, as who is stopped for somebody more important. Level-triggered: the sweep looks again
 * and again at what is left.
 */
import { sql } from 'kysely';
import { reasonText } from '../core/reasons.ts';
import { dropClaimsOnNode } from './claims.ts';
import { lockCluster } from './cluster-row.ts';
import type { Admitted } from './commit-plan.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents } from './events.ts';
import { type NodeChange, readNode } from './nodes.ts';
import type { Actor, Scope } from './scope.ts';

export interface DrainRequest {
  /** Seconds from now; null: jobs may take as long as they take. */
  readonly deadlineSeconds: number | null;
  /** `stop`: they are stopped and queued again at once. */
  readonly jobs: 'finish' | 'stop';
}

/** Begins it, or changes one that is under way. It is undone by making the node schedulable. */
export async function drainNode(
  db: Database,
  scope: Scope,
  clusterId: string,
  nodeId: string,
  { deadlineSeconds, jobs }: DrainRequest,
  actor: Actor,
): Promise<NodeChange> {
  return db.transaction().execute(async (tx) => {
    // The lock keeps passes out: none places anything there that has not seen that it is closed.
    if ((await lockCluster(tx, scope, clusterId)) === undefined) return { kind: 'unknown' };
    const { rows } = await sql<{ name: string }>`
      update node set schedulable = false, draining_since = coalesce(draining_since, now()), drained_at = null, drain_jobs = ${jobs},
             drain_deadline = now() + make_interval(secs => ${deadlineSeconds}::double precision)
       where id = ${nodeId} and cluster_id = ${clusterId} returning name`.execute(tx);
    const [node] = rows;
    if (node === undefined) return { kind: 'unknown' };
    await dropClaimsOnNode(tx, clusterId, nodeId);
    await appendEvents(tx, [
      {
        organizationId: scope.organizationId,
        clusterId,
        type: 'node.draining',
        message: `${node.name} is drained: ${inWords(jobs, deadlineSeconds)}`,
        data: { node_id: nodeId, deadline_s: deadlineSeconds, jobs },
        actorId: actor.userId,
      },
    ]);
    const read = await readNode(tx, scope, clusterId, nodeId);
    return read === null ? { kind: 'unknown' } : { kind: 'done', node: read };
  });
}

function inWords(jobs: DrainRequest['jobs'], deadlineSeconds: number | null): string {
  if (jobs === 'stop') return 'what runs there moves away';
  return `services move away, jobs may finish${deadlineSeconds === null ? '' : ` within ${deadlineSeconds} s`}`;
}

interface MovedRow extends Admitted {
  organization_id: string;
  cluster_id: string;
  node_name: string;
  reason: string;
}

/** What has to leave nodes that are drained is told to stop: it is queued again when its containers have ended. Returns whom to stop. */
export async function moveFromDrained(db: Database): Promise<Admitted[]> {
  return db.transaction().execute(async (tx) => {
    const { rows: leaving } = await sql<{ id: string; node_name: string }>`
      select distinct on (d.id) d.id, n.name as node_name
        from node n join allocation a on a.node_id = n.id join deployment d on d.id = a.deployment_id
       where n.draining_since is not null and d.status in ('starting', 'running')
         and (d.kind = 'service' or n.drain_jobs = 'stop' or n.drain_deadline <= now())
       order by d.id, n.name limit 500`.execute(tx);
    if (leaving.length === 0) return [];
    const told = leaving.map(({ id, node_name: node }) => ({ id, reason: reasonText('drained', { node }) }));
    const { rows } = await sql<MovedRow>`
      with held as (
        -- Whoever holds one is writing down its end, or stops it for another reason: the next sweep looks again.
        select id from deployment where id = any(${leaving.map(({ id }) => id)}::uuid[]) and status in ('starting', 'running')
         order by id for update skip locked
      )
      update deployment d set status = 'stopping', stop_intent = 'drained', reason_code = 'drained', reason = t.reason,
             changed_at = clock_timestamp(), version = version + 1
        from held h, json_to_recordset(${JSON.stringify(told)}::json) as t(id uuid, reason text)
       where d.id = h.id and d.id = t.id
      returning d.id, d.attempt, d.organization_id, d.cluster_id, d.reason`.execute(tx);
    await appendEvents(
      tx,
      rows.map((row) => ({
        organizationId: row.organization_id,
        clusterId: row.cluster_id,
        deploymentId: row.id,
        type: 'deployment.stopping' as const,
        message: row.reason,
        data: { status: 'stopping', attempt: row.attempt, reason_code: 'drained' },
      })),
    );
    return rows.map(({ id, attempt }) => ({ id, attempt }));
  });
}

/** Says of nodes that nothing is left on them: once. */
export async function noteDrained(db: Database): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ id: string; name: string; cluster_id: string; organization_id: string }>`
      with empty as (
        select n.id from node n where n.draining_since is not null and n.drained_at is null
           and not exists (select 1 from allocation a where a.node_id = n.id)
         order by n.id for no key update skip locked
      )
      update node n set drained_at = now() from empty e, cluster c where n.id = e.id and c.id = n.cluster_id
      returning n.id, n.name, n.cluster_id, c.organization_id`.execute(tx);
    await appendEvents(
      tx,
      rows.map((row) => ({
        organizationId: row.organization_id,
        clusterId: row.cluster_id,
        type: 'node.drained' as const,
        message: `${row.name} is drained: nothing is left on it`,
        data: { node_id: row.id },
      })),
    );
  });
}

/** Nothing leaves any more, and new deployments are placed there again. */
export async function endDrain(tx: InTransaction, nodeIds: readonly string[]): Promise<void> {
  await sql`
    update node set schedulable = true, draining_since = null, drain_deadline = null, drain_jobs = null, drained_at = null,
           maintenance_id = null where id = any(${[...nodeIds]}::uuid[])`.execute(tx);
}
