import { describe, expect, it } from 'vitest';
import { fetchedFor, ticksOf, windowOf, zoomed } from './window.ts';

const now = Date.parse('2026-05-04T10:00:00Z');
const hour = 3_600_000;

describe('the stretch of time that is shown', () => {
  it('goes along with now, a quarter of it ahead', () => {
    expect(windowOf(3600, undefined, now)).toEqual({ from: now - 0.75 * hour, to: now + 0.25 * hour });
  });

  it('stays where somebody has put it, whatever the address says', () => {
    expect(windowOf(3600, '2026-05-04T08:00:00Z', now)).toEqual({ from: now - 3 * hour, to: now - 2 * hour });
    expect(windowOf(3600, 'nonsense', now).to).toBe(now + 0.25 * hour);
    expect(windowOf(0.001, undefined, now).to - windowOf(0.001, undefined, now).from).toBe(60_000);
  });

  it('zooms around what is pointed at', () => {
    expect(zoomed({ from: now, to: now + hour }, 0.5, 0)).toEqual({ from: now, to: now + hour / 2 });
    expect(zoomed({ from: now, to: now + hour }, 2, 1)).toEqual({ from: now - hour, to: now + hour });
  });

  it('asks for the same while it moves a little', () => {
    const fetched = fetchedFor({ from: now, to: now + hour });
    expect(fetched.from).toBeLessThanOrEqual(now);
    expect(fetched.to).toBeGreaterThanOrEqual(now + hour);
    const step = 2 ** Math.ceil(Math.log2(hour / 4));
    const begin = Math.ceil(now / step) * step;
    expect(fetchedFor({ from: begin, to: begin + hour })).toEqual(
      fetchedFor({ from: begin + 1000, to: begin + hour + 1000 }),
    );
  });

  it('has round times in the zone of the reader', () => {
    const ticks = ticksOf({ from: now - hour, to: now + hour }, 5, 0);
    expect(ticks).toEqual([now - hour, now - hour / 2, now, now + hour / 2, now + hour]);
    const half = ticksOf({ from: now, to: now + 48 * hour }, 3, 5.5 * hour);
    expect(half.map((at) => new Date(at).toISOString())).toEqual([
      '2026-05-04T18:30:00.000Z',
      '2026-05-05T18:30:00.000Z',
    ]);
  });
});
