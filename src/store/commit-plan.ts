import { sql } from 'kysely';
import type { Place, Placement, Quality } from '../core/model.ts';
import type { PreemptionRecord } from './commit-preemptions.ts';
import type { InTransaction } from './database.ts';
import { appendEvents, type NewEvent } from './events.ts';
import type { WaitingDetail } from './pass-detail.ts';
import type { ClusterHead } from './snapshot.ts';
import type { Tables } from './tables.ts';

export interface Admitted {
  readonly id: string;
  readonly attempt: number;
}

/** With what it cost: how long it had waited, and with what priority it came to its turn. */
export interface AdmittedNow extends Admitted {
  readonly effectivePriority: number;
  readonly waitedSeconds: number;
  readonly traceParent: string | null;
}

/** What a deployment asked for when it was planned: each replica, in thousandths. */
export interface Asked {
  readonly replicas: number;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

/** What one placed replica is in the database, as JSON for the one statement below. */
interface ReplicaRecord {
  deployment_id: string;
  replica: number;
  node_id: string;
  node_name: string;
  ram: number;
  cpu: number;
  gpu: number;
  device_indexes: number[];
  device_amounts: number[];
  host_ports: readonly string[];
}

/**
 * Writes who is placed where, in the transaction that holds the lock of their cluster: status, allocations and replicas in one
 * statement, and then the events. Who was cancelled since the snapshot is left out, whole, and so is who asks for something else by now:
 * the update of a service that waits takes no turns with passes. The constraints on nodes and devices refuse the rest if it were ever
 * too much.
 *
 * `nameOf` gives the name of a node, for events; they name the pass, too. Returns who was admitted, in the order of the plan.
 */
export async function commitPlan(
  tx: InTransaction,
  read: Pick<ClusterHead, 'organizationId' | 'clusterId'>,
  places: readonly Place[],
  nameOf: (nodeId: string) => string,
  passId: string,
): Promise<AdmittedNow[]> {
  if (places.length === 0) return [];
  await lockNodes(tx, places);
  const admissions = places.map((place) => admissionOf(place, nameOf));
  const wanted = JSON.stringify(
    admissions.map(({ place, message }) => ({
      deployment_id: place.deploymentId,
      message,
      ...askedOf(place.placements),
    })),
  );
  const replicas = JSON.stringify(places.flatMap((place) => replicaRecords(place, nameOf)));
  const { rows } = await sql<Omit<AdmittedNow, 'effectivePriority'>>`
    with wanted as (
      select * from json_to_recordset(${wanted}::json)
        as w(deployment_id uuid, message text, replicas int, ram int, cpu int, gpu int)
    ), admitted as (
      update deployment d
         set status = 'starting', admitted_at = now(), changed_at = now(), version = version + 1,
             reason_code = 'admitted', reason = w.message
        from wanted w
       where d.id = w.deployment_id and d.status = 'queued' and not d.held and d.cluster_id = ${read.clusterId}
         and (d.replicas, d.ram_required * 1000, d.cpu_required * 1000, d.gpu_required * 1000) = (w.replicas, w.ram, w.cpu, w.gpu)
      returning d.id, d.attempt, d.revision, d.queued_at, d.trace_parent
    ), unclaimed as (
      -- It has what it claimed.
      delete from claim c using admitted a where c.deployment_id = a.id
    ), placed as (
      select a.attempt, a.revision, r.* from admitted a join
        json_to_recordset(${replicas}::json) as r(deployment_id uuid, replica int, node_id uuid, node_name text,
          ram int, cpu int, gpu int, device_indexes int[], device_amounts int[], host_ports text[]) on r.deployment_id = a.id
    ), allocated as (
      insert into allocation (deployment_id, replica, attempt, cluster_id, node_id, ram, cpu, gpu, device_indexes, device_amounts,
             host_ports)
      select deployment_id, replica, attempt, ${read.clusterId}::uuid, node_id, ram, cpu, gpu, device_indexes, device_amounts,
             host_ports from placed
    ), made as (
      insert into replica (deployment_id, attempt, index, revision, node_id, node_name, engine_id, devices)
      select deployment_id, attempt, replica, revision, node_id, node_name, (select n.engine_id from node n where n.id = node_id),
             coalesce((select jsonb_agg(jsonb_build_object('index', u.index, 'amount', u.amount))
                         from unnest(device_indexes, device_amounts) as u(index, amount)), '[]')
        from placed
    )
    select id, attempt, greatest(0, extract(epoch from now() - queued_at))::float8 as "waitedSeconds", trace_parent as "traceParent"
      from admitted order by id`.execute(tx);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const admitted = admissions.flatMap((admission) => {
    const row = byId.get(admission.place.deploymentId);
    return row === undefined ? [] : [{ admission, row }];
  });
  await appendEvents(
    tx,
    admitted.flatMap(({ admission }) => admissionEvents(read, admission, passId)),
  );
  return admitted.map(({ admission, row }) => ({ ...row, effectivePriority: admission.place.effectivePriority }));
}

/** Every replica asks for the same. */
export function askedOf(placements: readonly Placement[]): Asked {
  const { ram = 0, cpu = 0, gpu = 0 } = placements[0]?.resources ?? {};
  return { replicas: placements.length, ram, cpu, gpu };
}

/** In the order of ids, before the trigger on allocations counts on them: no two lock them in a circle. */
async function lockNodes(tx: InTransaction, places: readonly Place[]): Promise<void> {
  const ids = new Set(places.flatMap(({ placements }) => placements.map(({ nodeId }) => nodeId)));
  await sql`select 1 from node where id = any(${[...ids]}::uuid[]) order by id for no key update`.execute(tx);
}

/** A place in words. */
interface Admission {
  readonly place: Place;
  /** By name, each once. */
  readonly nodes: readonly string[];
  readonly message: string;
}

function admissionOf(place: Place, nameOf: (nodeId: string) => string): Admission {
  const nodes = [...new Set(place.placements.map((placement) => nameOf(placement.nodeId)))];
  const message = `admitted to ${nodes.join(', ')}${place.backfilled ? ', using what higher ones cannot use' : ''}`;
  return { place, nodes, message };
}

function admissionEvents(
  { organizationId, clusterId }: Pick<ClusterHead, 'organizationId' | 'clusterId'>,
  { place, nodes, message }: Admission,
  passId: string,
): NewEvent[] {
  const { deploymentId, priority, effectivePriority, position, promoted, backfilled } = place;
  const data = {
    pass_id: passId,
    nodes,
    priority,
    effective_priority: effectivePriority,
    position,
    promoted,
    backfilled,
  };
  const about = { organizationId, clusterId, deploymentId, data };
  const promotion = `promoted by its age from priority ${priority} to ${effectivePriority}`;
  return [
    ...(promoted ? [{ ...about, type: 'deployment.promoted', message: promotion } as const] : []),
    { ...about, type: 'deployment.admitted', message },
  ];
}

function replicaRecords(place: Place, nameOf: (nodeId: string) => string): ReplicaRecord[] {
  return place.placements.map((placement) => ({
    deployment_id: place.deploymentId,
    replica: placement.replica,
    node_id: placement.nodeId,
    node_name: nameOf(placement.nodeId),
    ...placement.resources,
    device_indexes: placement.devices.map((device) => device.index),
    device_amounts: placement.devices.map((device) => device.amount),
    host_ports: placement.hostPorts ?? [],
  }));
}

/** Writes down that a pass took place, and who waited, in one statement. Passes that changed nothing are not worth a row. */
export async function recordPass(
  tx: InTransaction,
  pass: {
    id: string;
    organizationId: string;
    clusterId: string;
    trigger: 'automatic' | 'api';
    queued: number;
    admitted: number;
    promoted: number;
    reservations: number;
    preemptions?: readonly PreemptionRecord[];
    quality: Pick<Quality, 'bound' | 'proven'>;
    solver: NonNullable<Tables['pass']['solver']>;
    durationMs: number;
    detail: WaitingDetail;
  },
): Promise<void> {
  const { waiting, reasons, counted } = pass.detail;
  await tx
    .with('recorded', (db) =>
      db
        .insertInto('pass')
        .values({
          id: pass.id,
          organization_id: pass.organizationId,
          cluster_id: pass.clusterId,
          trigger: pass.trigger,
          queued: pass.queued,
          admitted: pass.admitted,
          promoted: pass.promoted,
          reservations: pass.reservations,
          preemptions: JSON.stringify(pass.preemptions ?? []),
          bound: pass.quality.bound,
          proven: pass.quality.proven,
          solver: pass.solver,
          duration_ms: pass.durationMs,
        })
        .returning('id'),
    )
    .insertInto('pass_waiting')
    .columns(['pass_id', 'waiting', 'reasons', 'counted'])
    .expression((eb) =>
      eb
        .selectFrom('recorded')
        .select([
          'id',
          sql<string>`${JSON.stringify(waiting)}::jsonb`.as('waiting'),
          sql<string>`${JSON.stringify(reasons)}::jsonb`.as('reasons'),
          sql<number>`${counted}::int`.as('counted'),
        ]),
    )
    .execute();
}
