import type { z } from 'zod';
import { cronTimes } from '../../cron.ts';
import type { ScheduleRow, ScheduleRunRow } from '../../store/schedules.ts';
import type { Schedule, ScheduleRun } from '../schemas/schedules.ts';

const timesShown = 5;

/** `now`: the database's clock, milliseconds since the epoch. */
export function presentSchedule(row: ScheduleRow, now: number): z.infer<typeof Schedule> {
  return {
    id: row.id,
    organization_id: row.organization_id,
    cluster_id: row.cluster_id,
    name: row.name,
    cron: row.cron,
    time_zone: row.time_zone,
    overlap: row.overlap,
    missed: row.missed,
    missed_max: row.missed_max,
    paused: row.paused,
    deployment: row.deployment,
    next_runs: nextTimes(row, now),
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    version: row.version,
  };
}

function nextTimes({ cron, time_zone: timeZone, next_at: next, paused }: ScheduleRow, now: number): string[] {
  if (paused || next === null) return [];
  const times = cronTimes(cron, timeZone).upcoming(Math.max(now, next.getTime() - 1), timesShown);
  return times.map((time) => new Date(time).toISOString());
}

export function presentScheduleRun(row: ScheduleRunRow): z.infer<typeof ScheduleRun> {
  return {
    id: row.id,
    schedule_id: row.schedule_id,
    due_at: row.due_at.toISOString(),
    cause: row.cause,
    outcome: row.outcome,
    message: row.message,
    deployment_id: row.deployment_id,
    created_at: row.created_at.toISOString(),
  };
}
