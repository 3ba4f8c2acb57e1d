/** Durations as people type them: "90 min", "1h 30m", "2 d", and a number alone for seconds. */

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3_600, d: 86_400, w: 604_800 };
const part = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)/i;

/** Whole seconds; null for what is no duration. */
export function parseDuration(text: string): number | null {
  let rest = text.trim();
  if (rest === '') return null;
  let sum = 0;
  while (rest !== '') {
    const match = part.exec(rest);
    const unit = seconds[match?.[2]?.toLowerCase() || 's'];
    if (match === null || unit === undefined) return null;
    sum += Number(match[1]) * unit;
    rest = rest.slice(match[0].length).trim();
  }
  return Math.round(sum);
}

/** As it is typed: "1 h 30 min". All units, so that it reads back as the same number. */
export function writeDuration(value: number): string {
  const parts: string[] = [];
  let rest = value;
  for (const unit of ['d', 'h', 'min', 's']) {
    const size = seconds[unit] ?? 1;
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}
