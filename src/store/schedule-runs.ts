/** When schedules are due, and what comes of it: for the control loop, and so across organizations. */
import { sql } from 'kysely';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents } from './events.ts';
import { newId } from './ids.ts';
import { dateOf, type ScheduleRow } from './schedules.ts';
import type { RunOutcome } from './tables.ts';

/** One that is due, locked until the commit: whoever else looks takes another. Undefined where none is. */
export function lockDueSchedule(tx: InTransaction): Promise<ScheduleRow | undefined> {
  return tx
    .selectFrom('schedule')
    .selectAll()
    .where(sql<boolean>`next_at <= clock_timestamp()`)
    .orderBy('next_at')
    .orderBy('id')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

export async function setNextTime(tx: InTransaction, scheduleId: string, next: number | null): Promise<void> {
  await tx
    .updateTable('schedule')
    .set({ next_at: dateOf(next) })
    .where('id', '=', scheduleId)
    .execute();
}

/** Those that are not paused and not due: their next times are looked at once more where the clock may have jumped. */
export function schedulesAhead(db: Database): Promise<ScheduleRow[]> {
  return db
    .selectFrom('schedule')
    .selectAll()
    .where('paused', '=', false)
    .where(sql<boolean>`(next_at is null or next_at > clock_timestamp())`)
    .orderBy('id')
    .execute();
}

/** Brings a schedule forward, where it is to be later than that; by an earlier look it may have been, or be due by now. */
export async function bringForward(db: Database, scheduleId: string, next: number): Promise<void> {
  await sql`
    update schedule set next_at = ${new Date(next)}
     where id = ${scheduleId} and not paused and (next_at is null or next_at > ${new Date(next)})`.execute(db);
}

/** Of these times, those that were acted upon already. */
export async function timesActedUpon(db: Database, scheduleId: string, times: readonly number[]): Promise<Set<number>> {
  const { rows } = await sql<{ due_at: Date }>`
    select due_at from schedule_run
     where schedule_id = ${scheduleId} and cause = 'schedule'
       and due_at = any(${times.map((time) => new Date(time).toISOString())}::timestamptz[])`.execute(db);
  return new Set(rows.map((row) => row.due_at.getTime()));
}

export interface NewRun {
  readonly schedule: ScheduleRow;
  readonly dueAt: number;
  readonly cause: 'schedule' | 'person';
}

/**
 * Takes a time for itself, before anything is done about it: null where somebody has acted upon it already. What is said of it now
 * holds until `finishRun` says what came of it.
 */
export async function beginRun(tx: InTransaction, { schedule, dueAt, cause }: NewRun): Promise<string | null> {
  const id = newId();
  const { rows } = await sql`
    insert into schedule_run (id, schedule_id, due_at, cause, outcome, message)
    values (${id}, ${schedule.id}, ${new Date(dueAt)}, ${cause}, 'missed', '')
    on conflict (schedule_id, due_at) where cause = 'schedule' do nothing returning id`.execute(tx);
  return rows.length === 0 ? null : id;
}

export interface RunResult {
  readonly outcome: RunOutcome;
  readonly message: string;
  readonly deploymentId: string | null;
}

/** What came of a run, with its event. */
export async function finishRun(
  tx: InTransaction,
  runId: string,
  { schedule, dueAt, cause }: NewRun,
  { outcome, message, deploymentId }: RunResult,
  actorId: string | null,
): Promise<void> {
  await tx
    .updateTable('schedule_run')
    .set({ outcome, message, deployment_id: deploymentId })
    .where('id', '=', runId)
    .execute();
  await appendEvents(tx, [
    {
      organizationId: schedule.organization_id,
      clusterId: schedule.cluster_id,
      deploymentId,
      type: outcome === 'submitted' ? 'schedule.run' : 'schedule.not_run',
      message: `${schedule.name}: ${message}`,
      data: { schedule_id: schedule.id, due_at: new Date(dueAt).toISOString(), cause, outcome },
      actorId,
    },
  ]);
}

export interface OpenRun {
  readonly id: string;
  readonly name: string;
  readonly status: DeploymentStatus;
}

/** One of what it has submitted that is not over, the latest; null where all is. */
export async function openRunOf(db: Database, scheduleId: string): Promise<OpenRun | null> {
  const { rows } = await sql<OpenRun>`
    select id, name, status from deployment
     where schedule_id = ${scheduleId} and status in ('queued', 'starting', 'running', 'stopping')
     order by created_at desc, id desc limit 1`.execute(db);
  return rows[0] ?? null;
}

/** As many runs as are kept of each schedule; more than what a clock that jumps back could make it see again. */
const runsKept = 1000;

/** Takes away the oldest runs of schedules that have many. */
export async function removeOldRuns(db: Database): Promise<void> {
  await sql`
    delete from schedule_run where id in (
      select r.id from schedule s cross join lateral (
        select id from schedule_run where schedule_id = s.id order by created_at desc, id desc offset ${runsKept}) r)`.execute(
    db,
  );
}
