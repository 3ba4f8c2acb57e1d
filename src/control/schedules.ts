/**
 * Schedules become deployments here. Each time that comes is acted upon once: its row is written in the transaction of the submission,
 * and it can be written only once; whoever else looks meanwhile passes the locked schedule over. A crash leaves either all of it or
 * nothing, and then it is still due.
 */
import type { Logger } from 'pino';
import { type DueRuns, dueRuns } from '../core/due-runs.ts';
import { cronTimes } from '../cron.ts';
import type { Database, InTransaction } from '../store/database.ts';
import { orUndo } from '../store/savepoint.ts';
import {
  beginRun,
  bringForward,
  finishRun,
  lockDueSchedule,
  type NewRun,
  openRunOf,
  type RunResult,
  removeOldRuns,
  schedulesAhead,
  setNextTime,
  timesActedUpon,
} from '../store/schedule-runs.ts';
import { clockOf, lockSchedule, type ScheduleRow } from '../store/schedules.ts';
import type { Actor, Scope } from '../store/scope.ts';
import { cancelRunsOf } from '../store/transitions.ts';
import { repeat } from './repeat.ts';

const lookMs = 1_000;
/** The clock may have been set back, and nobody noticed: then what is next is later than it should be. */
const checkMs = 600_000;
/** So many times ahead are looked at for one that was not acted upon yet. */
const aheadMax = 100;

/** What is submitted for a schedule. */
interface Scheduled {
  readonly schedule: ScheduleRow;
  readonly dueAt: number;
  readonly actor: Actor;
  /** Deployments that must have ended first, however: those that it replaces. */
  readonly after: readonly { readonly id: string; readonly name: string }[];
}

type ScheduledOutcome =
  | { readonly kind: 'submitted'; readonly deploymentId: string; readonly name: string }
  /** Why it can't be, in words. */
  | { readonly kind: 'refused'; readonly message: string };

/** Submits in the transaction that it is given. What it throws undoes all. */
export type SubmitScheduled = (tx: InTransaction, scheduled: Scheduled) => Promise<ScheduledOutcome>;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly submit: SubmitScheduled;
  /** Called after a commit. */
  readonly onRun: (ran: Ran) => void;
}

/** What a run has changed. */
interface Ran {
  readonly clusterId: string;
  readonly stopping: readonly { readonly id: string; readonly attempt: number }[];
}

export interface Schedules {
  /** Runs a schedule now, also one that is paused. Null where there is none in this organization. */
  runNow(scope: Scope, scheduleId: string, actor: Actor): Promise<RunResult | null>;
  /** Begins to run those that are due. */
  start(): { close(): Promise<void> };
}

export function createSchedules(deps: Deps): Schedules {
  const { db, submit, onRun } = deps;
  return {
    async runNow(scope, scheduleId, actor) {
      const done = await db.transaction().execute(async (tx) => {
        const schedule = await lockSchedule(tx, scope, scheduleId);
        if (schedule === undefined) return null;
        const run = { schedule, dueAt: await clockOf(tx), cause: 'person' as const };
        return runOnce(tx, submit, run, actor);
      });
      if (done === null) return null;
      onRun(done.ran);
      return done.result;
    },
    start: () => startLooking(deps),
  };
}

function startLooking({ db, log, submit, onRun }: Deps): { close(): Promise<void> } {
  let lastLook = Number.POSITIVE_INFINITY;

  const looking = repeat(lookMs, log, 'the look at schedules', async () => {
    const now = await clockOf(db);
    // At the start, too: it may have been set back before.
    if (now < lastLook) await checkTimesAhead(db, now);
    lastLook = now;
    for (let due = true; due; ) {
      const ran = await db.transaction().execute((tx) => runDue(tx, submit));
      due = ran !== null;
      for (const one of ran ?? []) onRun(one);
    }
  });
  const checking = repeat(checkMs, log, 'the check of schedules', async () => {
    await checkTimesAhead(db, await clockOf(db));
    await removeOldRuns(db);
  });

  return {
    async close() {
      await looking.stop();
      await checking.stop();
    },
  };
}

/** Null where nothing is due. */
async function runDue(tx: InTransaction, submit: SubmitScheduled): Promise<Ran[] | null> {
  const schedule = await lockDueSchedule(tx);
  if (schedule === undefined) return null;
  const times = cronTimes(schedule.cron, schedule.time_zone);
  const now = await clockOf(tx);
  const { run, missed } = dueTimes(schedule, now);
  await writeMissed(tx, schedule, missed);
  const ran: Ran[] = [];
  const actor = { userId: schedule.created_by };
  for (const dueAt of run) {
    const done = await runOnce(tx, submit, { schedule, dueAt, cause: 'schedule' }, actor);
    if (done !== null) ran.push(done.ran);
  }
  await setNextTime(tx, schedule.id, times.next(now));
  return ran;
}

function dueTimes(schedule: ScheduleRow, now: number): DueRuns {
  const { cron, time_zone: timeZone, next_at: next, missed, missed_max: max } = schedule;
  const due = cronTimes(cron, timeZone).between(next?.getTime() ?? now, now);
  return dueRuns(due, now, { missed, max });
}

/** One line for all of them: it says how many. */
async function writeMissed(tx: InTransaction, schedule: ScheduleRow, missed: readonly number[]): Promise<void> {
  const latest = missed.at(-1);
  if (latest === undefined) return;
  const run = { schedule, dueAt: latest, cause: 'schedule' as const };
  const id = await beginRun(tx, run);
  if (id === null) return;
  const times = missed.length === 1 ? 'its time' : `${missed.length} of its times, the last at`;
  const message = `nobody looked at ${times} ${new Date(latest).toISOString()}`;
  await finishRun(tx, id, run, { outcome: 'missed', message, deploymentId: null }, null);
}

/** Null where somebody has acted upon this time already. */
async function runOnce(
  tx: InTransaction,
  submit: SubmitScheduled,
  run: NewRun,
  actor: Actor,
): Promise<{ ran: Ran; result: RunResult } | null> {
  const { schedule, dueAt } = run;
  const id = await beginRun(tx, run);
  if (id === null) return null;
  const ran = { clusterId: schedule.cluster_id, stopping: [] };
  const finish = async (result: RunResult, stopping: Ran['stopping'] = []) => {
    await finishRun(tx, id, run, result, actor.userId);
    return { ran: { ...ran, stopping }, result };
  };
  const open = schedule.overlap === 'allow' ? null : await openRunOf(tx, schedule.id);
  if (open !== null && schedule.overlap === 'forbid') {
    const message = `not run: ${open.name} of before is still ${open.status}`;
    return finish({ outcome: 'overlapped', message, deploymentId: open.id });
  }
  const scope = { organizationId: schedule.organization_id };
  const stopping = open === null ? [] : await cancelRunsOf(tx, scope, schedule.id, actor);
  // What the database refuses must not keep the schedule from its next time.
  const outcome = await orUndo<ScheduledOutcome>(
    tx,
    () => submit(tx, { schedule, dueAt, actor, after: stopping }),
    () => ({ kind: 'refused', message: 'the database refused what it submits' }),
  );
  if (outcome.kind === 'refused') {
    return finish({ outcome: 'refused', message: `not run: ${outcome.message}`, deploymentId: null }, stopping);
  }
  const message = `${outcome.name} was submitted`;
  return finish({ outcome: 'submitted', message, deploymentId: outcome.deploymentId }, stopping);
}

/**
 * What is next must be the first time ahead that was not acted upon. It is not where the clock was ahead for a while and has been set
 * right: then the schedule would wait until it is as late as it was.
 */
async function checkTimesAhead(db: Database, now: number): Promise<void> {
  for (const schedule of await schedulesAhead(db)) {
    const ahead = cronTimes(schedule.cron, schedule.time_zone).upcoming(now, aheadMax);
    const isPast = (time: number) => schedule.next_at !== null && time >= schedule.next_at.getTime();
    if (ahead[0] === undefined || isPast(ahead[0])) continue;
    const done = await timesActedUpon(db, schedule.id, ahead);
    const next = ahead.find((time) => !done.has(time));
    if (next !== undefined && !isPast(next)) await bringForward(db, schedule.id, next);
  }
}
