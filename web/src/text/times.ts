/** Times in the reader's zone, and durations. */

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const today = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const thisYear = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const older = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** With the zone, to the second. */
export const formatFull = (at: string | number): string => full.format(new Date(at));

/** As short as it can be told from `now` (milliseconds). */
export function formatTime(at: string | number, now: number = Date.now()): string {
  const date = new Date(at);
  const reference = new Date(now);
  if (date.toDateString() === reference.toDateString()) return today.format(date);
  return date.getFullYear() === reference.getFullYear() ? thisYear.format(date) : older.format(date);
}

const units = [
  { seconds: 86_400, name: 'd' },
  { seconds: 3_600, name: 'h' },
  { seconds: 60, name: 'min' },
  { seconds: 1, name: 's' },
] as const;

/** "2 d 3 h", "1 min 5 s", "12 s", "85 ms": its two largest units. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const rest = Math.max(0, seconds);
  if (rest < 1) return `${Math.round(rest * 1000)} ms`;
  const whole = Math.round(rest);
  const first = units.findIndex((unit) => whole >= unit.seconds);
  const larger = units[first];
  if (larger === undefined) return '0 s';
  const count = Math.floor(whole / larger.seconds);
  const smaller = units[first + 1];
  const left = smaller === undefined ? 0 : Math.floor((whole % larger.seconds) / smaller.seconds);
  return smaller === undefined || left === 0
    ? `${count} ${larger.name}`
    : `${count} ${larger.name} ${left} ${smaller.name}`;
}

/** "5 min ago", "in 2 h", "just now". */
export function formatAgo(at: string | number, now: number): string {
  const seconds = (now - new Date(at).getTime()) / 1000;
  if (Math.abs(seconds) < 5) return 'just now';
  const text = largestUnit(Math.abs(seconds));
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

function largestUnit(seconds: number): string {
  const unit = units.find((one) => seconds >= one.seconds) ?? units[3];
  return `${Math.floor(seconds / unit.seconds)} ${unit.name}`;
}
