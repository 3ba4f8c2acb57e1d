/** Bounds as people write them in a file of expectations: `5m`, `90%`, `80`. Each metric is measured in one of these units. */

export interface Unit {
  /** What would be right, as a sentence goes on. */
  readonly hint: string;
  /** Null where it is none. */
  parse(written: string | number): number | null;
  format(value: number): string;
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** In seconds. */
export const duration: Unit = {
  hint: 'must be a duration like 90s, 5m, 1h30m or 2d, or a number of seconds',
  parse: (written) => {
    if (typeof written === 'number') return written >= 0 ? written : null;
    const parts = [...written.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
    if (parts.length === 0 || parts.map(([part]) => part).join('') !== written.replaceAll(' ', '')) return null;
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (secondsOf[unit ?? 's'] ?? 1), 0);
  },
  format: (seconds) => {
    if (seconds < 60) return `${trimmed(seconds, 1)}s`;
    const whole = Math.round(seconds);
    const [d, h, m, s] = [
      Math.floor(whole / 86_400),
      Math.floor(whole / 3600) % 24,
      Math.floor(whole / 60) % 60,
      whole % 60,
    ];
    const parts = Object.entries({ d, h, m, s }).filter(([, count]) => count > 0);
    return parts
      .slice(0, 2)
      .map(([unit, count]) => `${count}${unit}`)
      .join('');
  },
};

/** From 0 to 1. */
export const share: Unit = {
  hint: 'must be a share like 90% or 0.9',
  parse: (written) => {
    const percent = typeof written === 'string' ? /^(\d+(?:\.\d+)?) ?%$/.exec(written)?.[1] : undefined;
    const value = percent === undefined ? Number(written) : Number(percent) / 100;
    return value >= 0 && value <= 1 ? value : null;
  },
  format: (value) => `${trimmed(value * 100, 1)}%`,
};

export const plainNumber: Unit = {
  hint: 'must be a number, 0 or more',
  parse: (written) => {
    const value = typeof written === 'string' && written.trim() === '' ? Number.NaN : Number(written);
    return value >= 0 && Number.isFinite(value) ? value : null;
  },
  format: (value) => trimmed(value, 2),
};

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
