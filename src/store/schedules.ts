/** Schedules, as people make and read them. When they are due is in schedule-runs.ts. */
import { type Selectable, sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import { contains, exactTime, type PageRequest, type TimeKey } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import type { MissedPolicy, OverlapPolicy, Tables } from './tables.ts';

export type ScheduleRow = Selectable<Tables['schedule']>;
export type ScheduleRunRow = Selectable<Tables['schedule_run']>;

/** What people decide about a schedule. */
export interface ScheduleSettings {
  readonly clusterId: string;
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: OverlapPolicy;
  readonly missed: MissedPolicy;
  readonly missedMax: number;
  /** The body of POST /deployments. */
  readonly deployment: Readonly<Record<string, unknown>>;
  readonly paused: boolean;
}

/** The first time after a moment, in milliseconds since the epoch; null where there is none. */
type NextTime = (settings: { cron: string; timeZone: string }, after: number) => number | null;

export type ScheduleChange =
  | { kind: 'done'; schedule: ScheduleRow }
  | { kind: 'unknown' }
  /** The version is not the one that the change was made for. */
  | { kind: 'stale'; version: number };

/** Makes a schedule. A taken name violates `schedule_name`; an unknown cluster is refused by its foreign key. */
export async function createSchedule(
  db: Database,
  scope: Scope,
  settings: ScheduleSettings,
  next: NextTime,
  actor: Actor,
): Promise<ScheduleRow> {
  return db.transaction().execute(async (tx) => {
    const schedule = await tx
      .insertInto('schedule')
      .values({
        id: newId(),
        organization_id: scope.organizationId,
        created_by: actor.userId,
        cluster_id: settings.clusterId,
        name: settings.name,
        cron: settings.cron,
        time_zone: settings.timeZone,
        overlap: settings.overlap,
        missed: settings.missed,
        missed_max: settings.missedMax,
        deployment: JSON.stringify(settings.deployment),
        paused: settings.paused,
        next_at: settings.paused ? null : dateOf(next(settings, await clockOf(tx))),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await tell(tx, schedule, 'schedule.created', `the schedule ${schedule.name} was made`, actor);
    return schedule;
  });
}

/**
 * Changes a schedule: where `version` is given, only if it is still that one. What was due while it was paused is not made up for,
 * nor what would have been under another expression.
 */
export async function updateSchedule(
  db: Database,
  scope: Scope,
  id: string,
  { settings, version, event }: { settings: Partial<ScheduleSettings>; version?: number | undefined; event: EventType },
  next: NextTime,
  actor: Actor,
): Promise<ScheduleChange> {
  return db.transaction().execute(async (tx) => {
    const present = await lockSchedule(tx, scope, id);
    if (present === undefined) return { kind: 'unknown' };
    if (version !== undefined && version !== present.version) return { kind: 'stale', version: present.version };
    const { cron = present.cron, timeZone = present.time_zone, paused = present.paused } = settings;
    const stays = paused === present.paused && cron === present.cron && timeZone === present.time_zone;
    const nextAt = paused ? null : dateOf(next({ cron, timeZone }, await clockOf(tx)));
    const schedule = await tx
      .updateTable('schedule')
      .set({
        ...changedColumns(settings),
        ...(stays ? {} : { next_at: nextAt }),
        updated_at: sql<Date>`now()`,
        version: sql<number>`version + 1`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await tell(tx, schedule, event, `the schedule ${schedule.name} was ${messages[event] ?? 'changed'}`, actor);
    return { kind: 'done', schedule };
  });
}

const messages: Partial<Record<EventType, string>> = {
  'schedule.paused': 'paused',
  'schedule.resumed': 'resumed',
  'schedule.deleted': 'deleted',
};

/** False where there is none. What it has submitted stays. */
export async function deleteSchedule(db: Database, scope: Scope, id: string, actor: Actor): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const schedule = await tx
      .deleteFrom('schedule')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (schedule === undefined) return false;
    await tell(tx, schedule, 'schedule.deleted', `the schedule ${schedule.name} was deleted`, actor);
    return true;
  });
}

/** Null where there is none in this organization. */
export async function readSchedule(db: Database, scope: Scope, id: string): Promise<ScheduleRow | null> {
  const row = await db
    .selectFrom('schedule')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

/** In the order in which they were made. */
export function listSchedules(
  db: Database,
  scope: Scope,
  { name, clusterId }: { readonly name: string | undefined; readonly clusterId: string | undefined },
  { after, limit }: PageRequest<TimeKey>,
): Promise<(ScheduleRow & { created_at_exact: string })[]> {
  let query = db
    .selectFrom('schedule')
    .selectAll()
    .select(exactTime('created_at').as('created_at_exact'))
    .where('organization_id', '=', scope.organizationId)
    .where(contains('name', name));
  if (clusterId !== undefined) query = query.where('cluster_id', '=', clusterId);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(created_at, id) > (${after.at}::timestamptz, ${after.id}::uuid)`);
  }
  return query.orderBy('created_at').orderBy('id').limit(limit).execute();
}

/** What came of its times, the latest first. */
export function listScheduleRuns(
  db: Database,
  scope: Scope,
  scheduleId: string,
  { after, limit }: PageRequest<TimeKey>,
): Promise<(ScheduleRunRow & { created_at_exact: string })[]> {
  let query = db
    .selectFrom('schedule_run as r')
    .innerJoin('schedule as s', 's.id', 'r.schedule_id')
    .selectAll('r')
    .select(exactTime('r.created_at').as('created_at_exact'))
    .where('s.organization_id', '=', scope.organizationId)
    .where('s.id', '=', scheduleId);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(r.created_at, r.id) < (${after.at}::timestamptz, ${after.id}::uuid)`);
  }
  return query.orderBy('r.created_at', 'desc').orderBy('r.id', 'desc').limit(limit).execute();
}

export function lockSchedule(tx: InTransaction, scope: Scope, id: string): Promise<ScheduleRow | undefined> {
  return tx
    .selectFrom('schedule')
    .selectAll()
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
}

/** The database's clock: the one clock of the whole installation, milliseconds since the epoch. */
export async function clockOf(db: Database): Promise<number> {
  const { rows } = await sql<{
    now: number;
  }>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`.execute(db);
  return rows[0]?.now ?? 0;
}

export function dateOf(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}

function changedColumns(settings: Partial<ScheduleSettings>) {
  return {
    ...(settings.clusterId !== undefined && { cluster_id: settings.clusterId }),
    ...(settings.name !== undefined && { name: settings.name }),
    ...(settings.cron !== undefined && { cron: settings.cron }),
    ...(settings.timeZone !== undefined && { time_zone: settings.timeZone }),
    ...(settings.overlap !== undefined && { overlap: settings.overlap }),
    ...(settings.missed !== undefined && { missed: settings.missed }),
    ...(settings.missedMax !== undefined && { missed_max: settings.missedMax }),
    ...(settings.deployment !== undefined && { deployment: JSON.stringify(settings.deployment) }),
    ...(settings.paused !== undefined && { paused: settings.paused }),
  };
}

async function tell(
  tx: InTransaction,
  schedule: ScheduleRow,
  type: EventType,
  message: string,
  actor: Actor,
): Promise<void> {
  await appendEvents(tx, [
    {
      organizationId: schedule.organization_id,
      clusterId: schedule.cluster_id,
      type,
      message,
      data: { schedule_id: schedule.id, name: schedule.name },
      actorId: actor.userId,
    },
  ]);
}
