/** How the cluster looked over time: steps, each of which holds from its time to that of the next. */
import type { Resources } from '../core/model.ts';

const columns = [
  'ram',
  'cpu',
  'gpu',
  'queued',
  'running',
  'fragmented',
  'stranded_ram',
  'stranded_cpu',
  'stranded_gpu',
] as const;
export type Column = (typeof columns)[number];

/** Amounts in thousandths; `ram`, `cpu` and `gpu` are in use. */
export type Step = Readonly<Record<Column, number>>;

export class Timeline {
  /** Milliseconds, ascending. */
  readonly at: number[] = [];
  readonly of: Readonly<Record<Column, number[]>>;
  readonly total: Resources;

  constructor(total: Resources) {
    this.total = total;
    this.of = Object.fromEntries(columns.map((column) => [column, []])) as unknown as Record<Column, number[]>;
  }

  /** From this time on. A second step of one instant takes the place of the first. */
  add(at: number, step: Step): void {
    const replaced = this.at.at(-1) === at;
    const place = replaced ? this.at.length - 1 : this.at.length;
    this.at[place] = at;
    for (const column of columns) this.of[column][place] = step[column];
  }

  /**
   * The mean of a column over time, up to `to`; where `counts` is given, over the time only of those steps that it holds for.
   * Null where that is no time at all.
   */
  mean(column: Column, to: number, counts: (place: number) => boolean = () => true): number | null {
    const values = this.of[column];
    let [sum, time] = [0, 0];
    this.at.forEach((at, place) => {
      if (!counts(place)) return;
      const lasts = Math.max(0, (this.at[place + 1] ?? to) - at);
      sum += (values[place] ?? 0) * lasts;
      time += lasts;
    });
    return time === 0 ? null : sum / time;
  }

  max(column: Column): number {
    return this.of[column].reduce((most, value) => Math.max(most, value), 0);
  }
}

/**
 * The means of a column over `count` pieces of equal length from `from` to `to`: a curve that shows a year as truly as a day,
 * and does not depend on which steps happened to be left out.
 */
export function sampled(timeline: Timeline, column: Column, from: number, to: number, count: number): number[] {
  const values = timeline.of[column];
  const length = (to - from) / count;
  const sums = Array.from({ length: count }, () => 0);
  timeline.at.forEach((at, place) => {
    const end = Math.min(to, timeline.at[place + 1] ?? to);
    const value = values[place] ?? 0;
    let piece = Math.min(count - 1, Math.floor((at - from) / length));
    for (let start = at; start < end; piece++) {
      const stop = piece >= count - 1 ? end : Math.min(end, from + (piece + 1) * length);
      if (stop <= start && piece >= count - 1) break;
      sums[Math.min(piece, count - 1)] = (sums[Math.min(piece, count - 1)] ?? 0) + value * (stop - start);
      start = stop;
    }
  });
  return sums.map((sum) => sum / length);
}
