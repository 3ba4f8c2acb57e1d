/** Which stretch of time is shown, and where a time lies in it. All times are milliseconds. */

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

export const defaultSpan = 3600;
const spanMin = 60;
const spanMax = 31 * 24 * 3600;
/** Of the window, so much lies ahead of now where it moves with it. */
const ahead = 0.25;

/** `until` is its end; left out, the window goes along with now. */
export function windowOf(spanSeconds: number, until: string | undefined, now: number): TimeWindow {
  const span = clampSpan(spanSeconds) * 1000;
  const fixed = until === undefined ? Number.NaN : Date.parse(until);
  const to = Number.isNaN(fixed) ? now + ahead * span : fixed;
  return { from: to - span, to };
}

export const clampSpan = (seconds: number): number => Math.min(spanMax, Math.max(spanMin, Math.round(seconds)));

/** The window so many times as wide, with the time at `share` of its width (0 to 1) staying where it is. */
export function zoomed({ from, to }: TimeWindow, factor: number, share = 0.5): TimeWindow {
  const span = clampSpan(((to - from) * factor) / 1000) * 1000;
  const fixed = from + share * (to - from);
  return { from: fixed - share * span, to: fixed + (1 - share) * span };
}

/** What is asked for: a little more than is shown, and the same for windows that lie near each other. */
export function fetchedFor({ from, to }: TimeWindow): TimeWindow {
  const step = 2 ** Math.ceil(Math.log2((to - from) / 4));
  return { from: Math.floor(from / step) * step, to: Math.ceil(to / step) * step };
}

const steps = [1, 5, 15, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600].map(
  (seconds) => seconds * 1000,
);

/** Round times in it, as many as there is room for; round in the zone that is `offset` ahead of UTC. */
export function ticksOf({ from, to }: TimeWindow, most: number, offset: number): number[] {
  const step = steps.find((one) => (to - from) / one <= most) ?? steps.at(-1) ?? to - from;
  const first = Math.ceil((from + offset) / step) * step - offset;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step);
}
