import { sql } from 'kysely';
import {
  applyObservation,
  type DeploymentRecord,
  type Observation,
  type ReplicaRecord,
  type Retried,
  type Step,
} from '../core/progress.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type EventType, type NewEvent } from './events.ts';
import { lockToDelete } from './lock-to-delete.ts';
import type { RestartColumn, RetryColumn } from './tables.ts';

/** What became of a deployment, for who has to act on it: stop the rest, clean up, schedule what fits now. */
export interface Progress {
  readonly deploymentId: string;
  readonly clusterId: string;
  readonly attempt: number;
  readonly status: DeploymentRecord['status'];
  /** Its status changed just now. */
  readonly changed: boolean;
  /** Replicas ended: resources came free. */
  readonly freed: boolean;
  /** Runs ended, whether their replicas go on or not: containers can be cleaned up. */
  readonly ended: boolean;
  /** At least one observation of it counted. */
  readonly accepted: boolean;
  /** Seconds, as it was read; null where it is not admitted. */
  readonly sinceAdmissionS: number | null;
  /** Its row is gone: it was to be deleted when it ended. */
  readonly removed: boolean;
}

/**
 * Writes down what runtimes saw, many observations in one transaction. Each counts once: a repeated, late or unknown one
 * changes nothing. Resources of a replica are freed with the observation that it ended, and only then.
 */
export async function recordObservations(db: Database, observations: readonly Observation[]): Promise<Progress[]> {
  if (observations.length === 0) return [];
  for (;;) {
    try {
      return await recordOnce(db, observations);
    } catch (error) {
      if (!(error instanceof LockedInactive)) throw error;
    }
  }
}

function recordOnce(db: Database, observations: readonly Observation[]): Promise<Progress[]> {
  return db.transaction().execute(async (tx) => {
    const records = await lockDeployments(tx, [
      ...new Set(observations.map((observation) => observation.deploymentId)),
    ]);
    const changes = new Changes();
    for (const observation of observations) {
      const record = records.get(observation.deploymentId);
      if (record !== undefined) changes.apply(record, observation);
    }
    await changes.write(tx);
    return changes.progress();
  });
}

interface LockedRow {
  id: string;
  organization_id: string;
  cluster_id: string;
  attempt: number;
  kind: DeploymentRecord['kind'];
  time_limit_s: number | null;
  stop_grace_s: number;
  retry: RetryColumn | null;
  retries_used: number;
  restart: RestartColumn | null;
  revision: number;
  stable_revision: number;
  status: DeploymentRecord['status'];
  stop_intent: DeploymentRecord['stopIntent'];
  stopping_since: Date | null;
  reason_code: string | null;
  reason: string | null;
  exit_code: number | null;
  delete_when_ended: boolean;
  since_admission_s: number | null;
  replicas: ReplicaRecord[];
}

type Locked = DeploymentRecord & { deleteWhenEnded: boolean; sinceAdmissionS: number | null };

/** Somebody else ended one, or brought it back into the queue, while its lock was waited for: it is had all the same, until the transaction ends. */
class LockedInactive extends Error {}

/**
 * Locks in the order of ids: two transactions over the same deployments wait for each other and never in a circle. And only what is active:
 * what was seen late, of one that is queued again, would else keep waiting a pass that admits it, and that has the nodes which are to be freed here.
 * Throws LockedInactive where that did not succeed, before anything is written.
 *
 * Reads in a second statement: a statement sees what was committed when it began, and that may be before the lock was had.
 * Two replicas that end at once would otherwise each take the other for running, and the deployment would never end.
 */
async function lockDeployments(tx: InTransaction, ids: string[]): Promise<Map<string, Locked>> {
  const { rows: locked } = await sql<{ id: string; asked: number }>`
    select id, (select count(*)::int from deployment where id = any(${ids}::uuid[]) and status in ('starting', 'running', 'stopping')) as asked
      from deployment where id = any(${ids}::uuid[]) and status in ('starting', 'running', 'stopping') order by id for update`.execute(
    tx,
  );
  const [first] = locked;
  if (first !== undefined && first.asked !== locked.length) throw new LockedInactive();
  // Not those that a pass has admitted since: they are not locked.
  const mine = locked.map(({ id }) => id);
  const { rows } = await sql<LockedRow>`
    select d.id, d.organization_id, d.cluster_id, d.attempt, d.kind, d.time_limit_s, d.stop_grace_s, d.retry, d.retries_used,
           d.restart, d.revision, d.stable_revision, d.status, d.stop_intent, d.reason_code,
           case when d.status = 'stopping' then d.changed_at end as stopping_since,
           d.reason, d.exit_code, d.delete_when_ended,
           extract(epoch from clock_timestamp() - d.admitted_at)::float8 as since_admission_s,
           (select json_agg(json_build_object('index', r.index, 'status', r.status, 'containerId', r.container_id, 'ports', r.ports,
              'exitCode', r.exit_code, 'outOfMemory', r.out_of_memory, 'reasonCode', r.reason_code, 'reason', r.reason,
              'health', r.health, 'healthMessage', r.health_message,
              'startedAt', extract(epoch from r.started_at) * 1000, 'finishedAt', extract(epoch from r.finished_at) * 1000,
              'run', r.run, 'revision', r.revision, 'failures', r.failures, 'restarts', r.restarts, 'restartsInRow', r.restarts_in_row,
              'nextStartIn', extract(epoch from r.next_start_at - now()) * 1000) order by r.index)
              from replica r where r.deployment_id = d.id and r.attempt = d.attempt) as replicas
      from deployment d
     where d.id = any(${mine}::uuid[]) order by d.id`.execute(tx);
  return new Map(rows.map((row) => [row.id, fromRow(row)]));
}

function fromRow(row: LockedRow): Locked {
  return {
    id: row.id,
    organizationId: row.organization_id,
    clusterId: row.cluster_id,
    attempt: row.attempt,
    kind: row.kind,
    timeLimitSeconds: row.time_limit_s,
    stopGraceSeconds: row.stop_grace_s,
    retry: row.retry === null ? null : { ...row.retry, exitCodes: row.retry.exit_codes },
    retriesUsed: row.retries_used,
    restart: row.restart === null ? null : { ...row.restart, maxRestarts: row.restart.max_restarts },
    revision: row.revision,
    stableRevision: row.stable_revision,
    status: row.status,
    stopIntent: row.stop_intent,
    stoppingSince: row.stopping_since?.getTime() ?? null,
    reasonCode: row.reason_code,
    reason: row.reason,
    exitCode: row.exit_code,
    replicas: row.replicas ?? [],
    deleteWhenEnded: row.delete_when_ended,
    sinceAdmissionS: row.since_admission_s,
  };
}

const eventOf: Partial<Record<DeploymentRecord['status'], EventType>> = {
  running: 'deployment.started',
  stopping: 'deployment.stopping',
  succeeded: 'deployment.succeeded',
  failed: 'deployment.failed',
  cancelled: 'deployment.cancelled',
  // What was stopped for another, or is tried again.
  queued: 'deployment.requeued',
};

const finalStatuses: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'skipped']);

/** Collects what a batch of observations changes, so that it is written by a handful of statements, however many there are. */
class Changes {
  readonly #replicas = new Map<string, { deployment: Locked; replica: ReplicaRecord }>();
  readonly #deployments = new Map<string, Locked>();
  /** Of them, those whose status changed. */
  readonly #changed = new Set<string>();
  readonly #accepted = new Set<string>();
  readonly #freed: { deploymentId: string; replica: number }[] = [];
  readonly #restarting: { deployment: Locked; replica: ReplicaRecord }[] = [];
  readonly #events: NewEvent[] = [];
  readonly #seen = new Map<string, Locked>();

  apply(deployment: Locked, observation: Observation): void {
    this.#seen.set(deployment.id, deployment);
    const step = applyObservation(deployment, observation);
    if (!step.accepted || step.replica === null) return;
    this.#accepted.add(deployment.id);
    this.#replicas.set(`${deployment.id}/${step.replica.index}`, { deployment, replica: step.replica });
    if (step.replica.status === 'ended') this.#freed.push({ deploymentId: deployment.id, replica: step.replica.index });
    if (step.replica.status === 'restarting') this.#restarting.push({ deployment, replica: step.replica });
    if (step.told !== null) this.#events.push(tellOfReplica(deployment, step.replica, step.told));
    if (step.became !== null || step.told !== null) this.#deployments.set(deployment.id, deployment);
    if (step.became === null) return;
    this.#changed.add(deployment.id);
    const type = eventOf[step.became];
    if (type !== undefined) this.#events.push(tellOfDeployment(deployment, type, step.retried));
  }

  async write(tx: InTransaction): Promise<void> {
    await updateReplicas(tx, [...this.#replicas.values()]);
    await keepRuns(tx, this.#restarting);
    await updateDeployments(tx, [...this.#deployments.values()]);
    await freeAllocations(tx, this.#freed);
    await appendEvents(tx, this.#events);
    await removeDeployments(tx, this.#removed());
  }

  #removed(): string[] {
    return [...this.#deployments.values()]
      .filter((deployment) => deployment.deleteWhenEnded && finalStatuses.has(deployment.status))
      .map((deployment) => deployment.id);
  }

  progress(): Progress[] {
    const freed = new Set(this.#freed.map((one) => one.deploymentId));
    const ended = new Set([...freed, ...this.#restarting.map(({ deployment }) => deployment.id)]);
    const removed = new Set(this.#removed());
    return [...this.#seen.values()].map((deployment) => ({
      deploymentId: deployment.id,
      clusterId: deployment.clusterId,
      attempt: deployment.attempt,
      status: deployment.status,
      changed: this.#changed.has(deployment.id),
      freed: freed.has(deployment.id),
      ended: ended.has(deployment.id),
      accepted: this.#accepted.has(deployment.id),
      sinceAdmissionS: deployment.sinceAdmissionS,
      removed: removed.has(deployment.id),
    }));
  }
}

function tellOfDeployment(deployment: Locked, type: EventType, retried: Retried | null): NewEvent {
  return {
    organizationId: deployment.organizationId,
    clusterId: deployment.clusterId,
    deploymentId: deployment.id,
    type,
    message: deployment.reason ?? deployment.status,
    data: {
      status: deployment.status,
      attempt: deployment.attempt,
      reason_code: deployment.reasonCode,
      exit_code: deployment.exitCode,
      ...(retried !== null && {
        failed: { attempt: retried.attempt, reason_code: retried.reasonCode, exit_code: retried.exitCode },
        retries_left: retried.retriesLeft,
      }),
    },
  };
}

function tellOfReplica(deployment: Locked, replica: ReplicaRecord, told: NonNullable<Step['told']>): NewEvent {
  return {
    organizationId: deployment.organizationId,
    clusterId: deployment.clusterId,
    deploymentId: deployment.id,
    type: told.type,
    message: told.message,
    data: {
      attempt: deployment.attempt,
      replica: replica.index,
      run: replica.run,
      restarts: replica.restarts,
      ...(told.type === 'replica.restarting' && {
        reason_code: replica.reasonCode,
        exit_code: replica.exitCode,
        starts_in_s: (replica.nextStartIn ?? 0) / 1000,
      }),
    },
  };
}

async function updateReplicas(
  tx: InTransaction,
  changed: { deployment: Locked; replica: ReplicaRecord }[],
): Promise<void> {
  if (changed.length === 0) return;
  const records = JSON.stringify(
    changed.map(({ deployment, replica }) => ({
      deployment_id: deployment.id,
      attempt: deployment.attempt,
      index: replica.index,
      status: replica.status,
      container_id: replica.containerId,
      ports: replica.ports,
      exit_code: replica.exitCode,
      out_of_memory: replica.outOfMemory,
      reason_code: replica.reasonCode,
      reason: replica.reason,
      started_ms: replica.startedAt,
      finished_ms: replica.finishedAt,
      run: replica.run,
      restarts: replica.restarts,
      restarts_in_row: replica.restartsInRow,
      failures: replica.failures,
      next_start_ms: replica.nextStartIn,
    })),
  );
  await sql`
    update replica r
       set status = c.status, container_id = c.container_id, ports = c.ports, exit_code = c.exit_code,
           out_of_memory = c.out_of_memory, reason_code = c.reason_code, reason = c.reason,
           -- An engine's clock may be ahead of ours: nothing that was seen is yet to come, or its time limit would be too.
           started_at = case when c.started_ms is null then r.started_at else least(to_timestamp(c.started_ms / 1000), now()) end,
           finished_at = case when c.finished_ms is null then r.finished_at else least(to_timestamp(c.finished_ms / 1000), now()) end,
           restarts = c.restarts, restarts_in_row = c.restarts_in_row, failures = c.failures, changed_at = now(),
           next_start_at = now() + make_interval(secs => c.next_start_ms / 1000)
      from json_to_recordset(${records}::json) as c(deployment_id uuid, attempt int, index int, status text, container_id text,
             ports jsonb, exit_code int, out_of_memory boolean, reason_code text, reason text,
             started_ms double precision, finished_ms double precision, run int, restarts int, restarts_in_row int,
             failures int, next_start_ms double precision)
     where r.deployment_id = c.deployment_id and r.attempt = c.attempt and r.index = c.index and r.run = c.run and r.status <> 'ended'`.execute(
    tx,
  );
}

/** As many as of a service that fails again and again are of use to somebody. */
const runsKept = 20;

/** Writes down what became of runs whose replicas go on, and forgets those that are long past, with their logs. */
async function keepRuns(tx: InTransaction, ended: { deployment: Locked; replica: ReplicaRecord }[]): Promise<void> {
  if (ended.length === 0) return;
  const records = JSON.stringify(
    ended.map(({ deployment, replica }) => ({
      deployment_id: deployment.id,
      attempt: deployment.attempt,
      index: replica.index,
    })),
  );
  await sql`
    insert into replica_run (deployment_id, attempt, index, run, engine_id, container_id, exit_code, out_of_memory, reason_code, reason,
           started_at, finished_at, node_id, node_name)
    select deployment_id, attempt, index, run, engine_id, container_id, exit_code, out_of_memory, reason_code, reason, started_at, finished_at,
           node_id, node_name
      from replica join json_to_recordset(${records}::json) as c(deployment_id uuid, attempt int, index int)
             using (deployment_id, attempt, index)
    on conflict do nothing`.execute(tx);
  await sql`
    with past as (
      delete from replica_run old using replica r, json_to_recordset(${records}::json) as c(deployment_id uuid, attempt int, index int)
       where r.deployment_id = c.deployment_id and r.attempt = c.attempt and r.index = c.index
         and old.deployment_id = c.deployment_id and old.attempt = c.attempt and old.index = c.index
         and old.cleaned and old.run <= r.run - ${runsKept}
      returning old.deployment_id, old.attempt, old.index, old.run
    )
    delete from replica_log l using past p
     where l.deployment_id = p.deployment_id and l.attempt = p.attempt and l.index = p.index and l.run = p.run`.execute(
    tx,
  );
}

async function updateDeployments(tx: InTransaction, changed: Locked[]): Promise<void> {
  if (changed.length === 0) return;
  const records = JSON.stringify(
    changed.map((deployment) => ({
      id: deployment.id,
      status: deployment.status,
      stop_intent: deployment.status === 'queued' ? null : deployment.stopIntent,
      reason_code: deployment.reasonCode,
      reason: deployment.reason,
      exit_code: deployment.exitCode,
      finished: finalStatuses.has(deployment.status),
      requeued: deployment.status === 'queued',
      retries_used: deployment.retriesUsed,
    })),
  );
  await sql`
    update deployment d
       set status = c.status, stop_intent = c.stop_intent, reason_code = c.reason_code, reason = c.reason, exit_code = c.exit_code,
           retries_used = c.retries_used,
           -- Queued again it is a new attempt, of the same age: queued_at stays as it is.
           attempt = d.attempt + c.requeued::int, admitted_at = case when not c.requeued then d.admitted_at end,
           started_at = case when not c.requeued then coalesce(d.started_at, case when c.status <> 'starting' then
             (select max(r.started_at) from replica r where r.deployment_id = d.id and r.attempt = d.attempt) end) end,
           finished_at = case when c.finished then now() end, changed_at = now(), version = d.version + 1
      from json_to_recordset(${records}::json) as c(id uuid, status text, stop_intent text, reason_code text, reason text,
             exit_code int, finished boolean, requeued boolean, retries_used int)
     where d.id = c.id and d.status in ('starting', 'running', 'stopping')`.execute(tx);
}

async function freeAllocations(tx: InTransaction, freed: { deploymentId: string; replica: number }[]): Promise<void> {
  if (freed.length === 0) return;
  const records = JSON.stringify(freed.map((one) => ({ deployment_id: one.deploymentId, replica: one.replica })));
  // Nodes are locked in the order of ids before the trigger counts on them, as a pass does: no two lock them in a circle.
  await sql`
    select 1 from node where id in (
      select a.node_id from allocation a join json_to_recordset(${records}::json) as f(deployment_id uuid, replica int)
          on a.deployment_id = f.deployment_id and a.replica = f.replica)
     order by id for no key update`.execute(tx);
  await sql`
    delete from allocation a using json_to_recordset(${records}::json) as f(deployment_id uuid, replica int)
     where a.deployment_id = f.deployment_id and a.replica = f.replica`.execute(tx);
}

async function removeDeployments(tx: InTransaction, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await lockToDelete(tx, sql<boolean>`d.id = any(${ids}::uuid[])`);
  const removed = await tx
    .deleteFrom('deployment')
    .where('id', 'in', ids)
    .returning(['id', 'organization_id', 'cluster_id', 'name'])
    .execute();
  await appendEvents(
    tx,
    removed.map((row) => ({
      organizationId: row.organization_id,
      clusterId: row.cluster_id,
      deploymentId: row.id,
      type: 'deployment.deleted',
      message: `${row.name} was deleted`,
    })),
  );
}
