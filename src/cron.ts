/** When schedules are due: cron expressions in a time zone. What days and hours those are is Croner's to say. */
import { Cron } from 'croner';

/** Of fewer than this it is found out which were missed; of more, the latest. */
const missedKnownMax = 1000;

export interface CronTimes {
  /** The first time after this one; null where there is none. Milliseconds since the epoch, as all times here. */
  next(after: number): number | null;
  /** At most so many, the next first. */
  upcoming(after: number, count: number): number[];
  /** Those from `first`, which is one of them, to `now`, in order; where there are very many, the latest. */
  between(first: number, now: number): number[];
}

/**
 * A fixed time that a change of clocks leaves out is moved to just after the change, one that comes twice counts once; what is due every
 * so many minutes goes on. Throws CronError.
 */
export function cronTimes(cron: string, timeZone: string): CronTimes {
  if (!isTimeZone(timeZone))
    throw new CronError('time_zone', `is no time zone: write one like "Europe/Berlin" or "UTC"`);
  const times = parse(cron, timeZone);
  const next = (after: number) => times.nextRun(new Date(after))?.getTime() ?? null;
  return {
    next,
    upcoming: (after, count) => times.nextRuns(count, new Date(after)).map((date) => date.getTime()),
    between(first, now) {
      const found = [first];
      for (let time = next(first); time !== null && time <= now; time = next(time)) {
        if (found.length === missedKnownMax) return latestOf(times, now);
        found.push(time);
      }
      return found;
    },
  };
}

export class CronError extends Error {
  constructor(
    readonly field: 'cron' | 'time_zone',
    message: string,
  ) {
    super(message);
  }
}

function parse(cron: string, timeZone: string): Cron {
  try {
    return new Cron(cron, { timezone: timeZone, mode: '5-part' });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: /, '') : '';
    throw new CronError(
      'cron',
      `is no cron expression: write five fields like "30 2 * * 1-5" (minute, hour, day, month, weekday), or @hourly, @daily, @weekly, @monthly, @yearly (${why})`,
    );
  }
}

function latestOf(times: Cron, now: number): number[] {
  return times
    .previousRuns(missedKnownMax, new Date(now))
    .map((date) => date.getTime())
    .toReversed();
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
