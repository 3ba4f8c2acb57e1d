/** Writes down who is stopped for whom, in the transaction of the pass that decided it. */
import { sql } from 'kysely';
import type { Preempt, PreemptionCost, PreemptionReceipt, Victim } from '../core/model.ts';
import { reasonText } from '../core/reasons.ts';
import { toThousandths } from './amounts.ts';
import { type Admitted, type Asked, askedOf } from './commit-plan.ts';
import type { InTransaction } from './database.ts';
import { appendEvents, type NewEvent } from './events.ts';
import type { ClusterSnapshot } from './snapshot.ts';

/** A receipt as it is stored and told: names and units of the API. */
export interface ReceiptRecord {
  readonly highest_priority: number;
  readonly lost_work_s: number;
  readonly victims: readonly {
    readonly deployment_id: string;
    readonly priority: number;
    readonly lost_work_s: number;
  }[];
  readonly alternatives: readonly {
    readonly highest_priority: number;
    readonly lost_work_s: number;
    readonly victims: readonly string[];
  }[];
}

export interface PreemptionRecord extends ReceiptRecord {
  readonly deployment_id: string;
}

export interface CommittedPreemptions {
  /** They are `stopping` now: their containers are to be stopped. */
  readonly stopped: readonly Admitted[];
  /** For the row of the pass. */
  readonly records: readonly PreemptionRecord[];
}

type Decided = Pick<ClusterSnapshot, 'organizationId' | 'clusterId' | 'policy'>;

interface LockedRow {
  id: string;
  name: string;
  status: string;
  attempt: number;
  priority: number;
  replicas: number;
  ram_required: string;
  cpu_required: string;
  gpu_required: string;
  ran_ms: number | null;
}

/**
 * Tells the victims to stop and keeps their room for whom they are stopped, all in one: whoever waits already has its claim
 * when the first of them ends. A preemption of which anything is not as it was when it was decided is left out, whole.
 *
 * Rows that somebody else has locked are not waited for: who writes down an end holds the deployment and wants its nodes,
 * which the pass holds. The next pass decides anew.
 */
export async function commitPreemptions(
  tx: InTransaction,
  read: Decided,
  preempts: readonly Preempt[],
  passId: string,
): Promise<CommittedPreemptions> {
  if (preempts.length === 0) return { stopped: [], records: [] };
  const locked = await lockRows(tx, read.clusterId, preempts);
  const minRunTime = read.policy.preemption?.minRunTime ?? Number.POSITIVE_INFINITY;
  const standing = preempts.filter((one) => stillStands(one, locked, minRunTime));
  const stopped: Admitted[] = [];
  for (const preempt of standing) stopped.push(...(await stopVictims(tx, preempt, locked)));
  await writeClaims(tx, read.clusterId, standing, locked);
  await appendEvents(
    tx,
    standing.flatMap((one) => eventsOf(read, one, locked, passId)),
  );
  return {
    stopped,
    records: standing.map(({ deploymentId, receipt }) => ({ deployment_id: deploymentId, ...receiptRecord(receipt) })),
  };
}

type Locked = ReadonlyMap<string, LockedRow>;

async function lockRows(tx: InTransaction, clusterId: string, preempts: readonly Preempt[]): Promise<Locked> {
  const ids = preempts.flatMap(({ deploymentId, receipt }) => [deploymentId, ...receipt.victims.map(idOf)]);
  const { rows } = await sql<LockedRow>`
    select id, name, status, attempt, priority, replicas, ram_required, cpu_required, gpu_required,
           (extract(epoch from clock_timestamp() - started_at) * 1000)::float8 as ran_ms
      from deployment where cluster_id = ${clusterId} and id = any(${ids}::uuid[]) order by id for update skip locked`.execute(
    tx,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

const idOf = ({ deploymentId }: Victim) => deploymentId;

function stillStands({ deploymentId, placements, receipt }: Preempt, locked: Locked, minRunTime: number): boolean {
  const preemptor = locked.get(deploymentId);
  if (preemptor?.status !== 'queued' || !asksFor(preemptor, askedOf(placements))) return false;
  return receipt.victims.every((victim) => {
    const row = locked.get(victim.deploymentId);
    return row?.status === 'running' && row.priority > preemptor.priority && (row.ran_ms ?? 0) >= minRunTime;
  });
}

/** A service that waits may have been updated since. */
function asksFor(row: LockedRow, { replicas, ram, cpu, gpu }: Asked): boolean {
  return (
    row.replicas === replicas &&
    toThousandths(row.ram_required) === ram &&
    toThousandths(row.cpu_required) === cpu &&
    toThousandths(row.gpu_required) === gpu
  );
}

async function stopVictims(tx: InTransaction, preempt: Preempt, locked: Locked): Promise<Admitted[]> {
  const preemptor = locked.get(preempt.deploymentId) as LockedRow;
  return tx
    .updateTable('deployment')
    .set({
      status: 'stopping',
      stop_intent: 'preempted',
      reason_code: 'preempted',
      reason: reasonText('preempted', { preemptor: preemptor.name, priority: preemptor.priority }),
      // Not the beginning of the transaction: what ends before it is told to stop has ended by itself (progress.ts).
      changed_at: sql<Date>`clock_timestamp()`,
      version: sql<number>`version + 1`,
    })
    .where('id', 'in', preempt.receipt.victims.map(idOf))
    .where('status', '=', 'running')
    .returning(['id', 'attempt'])
    .execute();
}

async function writeClaims(
  tx: InTransaction,
  clusterId: string,
  preempts: readonly Preempt[],
  locked: Locked,
): Promise<void> {
  const claims = preempts.map(({ deploymentId, placements, receipt }) => ({
    deployment_id: deploymentId,
    attempt: locked.get(deploymentId)?.attempt,
    placements,
    victims: receipt.victims.map(idOf),
  }));
  await sql`
    insert into claim (deployment_id, attempt, cluster_id, placements, victims)
    select deployment_id, attempt, ${clusterId}::uuid, placements, victims
      from json_to_recordset(${JSON.stringify(claims)}::json)
        as c(deployment_id uuid, attempt int, placements jsonb, victims uuid[])
    on conflict (deployment_id) do update
      set attempt = excluded.attempt, placements = excluded.placements, victims = excluded.victims, created_at = now()`.execute(
    tx,
  );
}

function eventsOf(read: Decided, { deploymentId, receipt }: Preempt, locked: Locked, passId: string): NewEvent[] {
  const preemptor = locked.get(deploymentId) as LockedRow;
  const record = receiptRecord(receipt);
  const about = { organizationId: read.organizationId, clusterId: read.clusterId };
  const names = receipt.victims.map((victim) => locked.get(victim.deploymentId)?.name ?? victim.deploymentId);
  return [
    {
      ...about,
      deploymentId,
      type: 'deployment.preempting',
      message: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} stopped to make room for ${preemptor.name}`,
      data: { pass_id: passId, ...record },
    },
    ...receipt.victims.map((victim): NewEvent => {
      const reason = reasonText('preempted', { preemptor: preemptor.name, priority: preemptor.priority });
      return {
        ...about,
        deploymentId: victim.deploymentId,
        type: 'deployment.preempted',
        message: `${reason}; work lost: ${Math.round(victim.lostWork / 1000)} s`,
        data: { pass_id: passId, preemptor: deploymentId, lost_work_s: seconds(victim.lostWork), receipt: record },
      };
    }),
  ];
}

export function receiptRecord(receipt: PreemptionReceipt): ReceiptRecord {
  return {
    ...costRecord(receipt),
    victims: receipt.victims.map(({ deploymentId, priority, lostWork }) => {
      return { deployment_id: deploymentId, priority, lost_work_s: seconds(lostWork) };
    }),
    alternatives: receipt.alternatives.map(({ victims, ...cost }) => ({ ...costRecord(cost), victims })),
  };
}

function costRecord({ highestPriority, lostWork }: PreemptionCost) {
  return { highest_priority: highestPriority, lost_work_s: seconds(lostWork) };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
