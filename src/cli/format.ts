/** Amounts, times and durations as people read and write them. */
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "90s", "5m", "1h30m", "2d", or a plain number of seconds. Throws in plain words for anything else. */
export function parseDuration(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new CliError(`"${text}" is no duration: write it like 90s, 5m, 1h30m or 2d`, exitCodes.usage);
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit ?? 's'] ?? 1), 0);
}

/** The two largest units that count: "3d4h", "12m5s", "8s". */
export function duration(ms: number): string {
  let rest = Math.max(0, Math.round(ms / 1000));
  const parts: string[] = [];
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join('') || '0s';
}

/** How long ago. */
export function age(timestamp: string | null, now = Date.now()): string {
  return timestamp === null ? '-' : duration(now - Date.parse(timestamp));
}

export function resources(amounts: { ram: number; cpu: number; gpu: number }): string {
  return `${amounts.ram} GB / ${amounts.cpu} / ${amounts.gpu}`;
}

/** A bar of `width` characters, filled by the share. */
export function bar(share: number, width = 20): string {
  const filled = Math.min(width, Math.round(share * width));
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}

/** NAME=value, as the values of an option. */
export function pairs(texts: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new CliError(`${option} "${text}" must be written NAME=value`, exitCodes.usage);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** "disk=ssd, zone=a". */
export function labels(of: Readonly<Record<string, string>>): string {
  const written = Object.entries(of).map(([name, value]) => `${name}=${value}`);
  return written.toSorted().join(', ');
}

/** The part of an id that people need to tell it from others: the end, since ids begin with the time. */
export function shortId(id: string): string {
  return id.slice(-12);
}

/** 1536 is "1.5 KiB". */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const amount = count / 1024 ** power;
  return `${power === 0 ? amount : amount.toFixed(1)} ${units[power]}`;
}
