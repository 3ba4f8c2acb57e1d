/** What a benchmark is: a file `NAME.bench.ts` that exports `bench`. */

export interface Metric {
  /** One value for each run. */
  readonly values: readonly number[];
  readonly unit: string;
  /** What is aimed at; measured against the median. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
}

export interface Bench {
  /** What is measured, and what it is compared with. */
  readonly about: string;
  run(context: BenchContext): Promise<Readonly<Record<string, Metric>>>;
}

export interface BenchContext {
  readonly signal: AbortSignal;
  /** How long to measure, where somebody said so. */
  readonly minutes: number | undefined;
  /** Progress, for people; on standard error. */
  readonly say: (message: string) => void;
  /** Undone in reverse order when the benchmark ends, however it ends. */
  acquire<T>(what: string, make: () => Promise<T>, unmake: (made: T) => Promise<void>): Promise<T>;
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly unit: string;
}

export function summarize(metric: Metric): Summary {
  return {
    median: rounded(median(metric.values)),
    min: rounded(Math.min(...metric.values)),
    max: rounded(Math.max(...metric.values)),
    runs: metric.values.length,
    unit: metric.unit,
  };
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('there is no median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
