/** What the page plots: data and words only. page.js draws it. */
import { type Dimension, dimensions } from '../../core/model.ts';
import type { Report, RunReport } from '../report.ts';

export interface Chart {
  readonly title: string;
  /** How to read it. */
  readonly note: string;
  /** `time`: seconds since the first submission; `percent`: of deployments. */
  readonly x: 'time' | 'percent';
  readonly y: 'share' | 'count' | 'duration';
  readonly xs: readonly number[];
  readonly series: readonly { readonly label: string; readonly values: readonly number[] }[];
}

export function chartsOf(report: Report): Chart[] {
  const charts = report.runs.length === 1 ? ofOne(report.runs[0] as RunReport) : ofSeveral(report.runs);
  return charts.filter(({ xs, series }) => xs.length > 0 && series.length > 0);
}

const waitNote =
  'So many percent of the deployments waited no longer than this. The scale is logarithmic above a second.';
const fragmentationNote =
  'Free, but of no use to the average request: too little is free of a device, or its node lacks cores, memory or devices.';

function ofOne(run: RunReport): Chart[] {
  const { curves } = run;
  return [
    {
      title: 'In use',
      note: 'Of what the cluster has.',
      x: 'time',
      y: 'share',
      xs: curves.time_s,
      series: dimensions.flatMap((dimension) => {
        const values = curves.utilization[dimension];
        return values === null ? [] : [{ label: dimension.toUpperCase(), values }];
      }),
    },
    {
      title: 'Queued and running',
      note: 'Deployments.',
      x: 'time',
      y: 'count',
      xs: curves.time_s,
      series: [
        { label: 'queued', values: curves.queued },
        { label: 'running', values: curves.running },
      ],
    },
    ...common(
      [run],
      () => 'GPUs',
      () => 'wait',
    ),
  ];
}

function ofSeveral(runs: readonly RunReport[]): Chart[] {
  const scarcest = scarcestOf(runs);
  const xs = longest(runs.map(({ curves }) => curves.time_s));
  const overTime = (values: (run: RunReport) => readonly number[] | null) =>
    runs.flatMap((run) => {
      const own = values(run);
      return own === null ? [] : [{ label: run.policy.name, values: fitted(run.curves.time_s, own, xs) }];
    });
  return [
    {
      title: `${scarcest.toUpperCase()} in use`,
      note: 'Of what the cluster has; the dimension that is used most.',
      x: 'time',
      y: 'share',
      xs,
      series: overTime(({ curves }) => curves.utilization[scarcest]),
    },
    {
      title: 'Queued',
      note: 'Deployments.',
      x: 'time',
      y: 'count',
      xs,
      series: overTime(({ curves }) => curves.queued),
    },
    ...common(
      runs,
      ({ policy }) => policy.name,
      ({ policy }) => policy.name,
    ),
  ];
}

function common(
  runs: readonly RunReport[],
  fragmentationLabel: (run: RunReport) => string,
  waitLabel: (run: RunReport) => string,
): Chart[] {
  const xs = longest(runs.map(({ curves }) => curves.time_s));
  return [
    {
      title: 'Waits',
      note: waitNote,
      x: 'percent',
      y: 'duration',
      xs: Array.from({ length: 101 }, (_, percent) => percent),
      series: runs
        .filter(({ curves }) => curves.wait_percentiles_s.length > 0)
        .map((run) => ({ label: waitLabel(run), values: run.curves.wait_percentiles_s })),
    },
    {
      title: 'GPU fragmentation',
      note: fragmentationNote,
      x: 'time',
      y: 'share',
      xs,
      series: runs.flatMap((run) => {
        const { fragmentation, time_s: times } = run.curves;
        return fragmentation === null
          ? []
          : [{ label: fragmentationLabel(run), values: fitted(times, fragmentation, xs) }];
      }),
    },
  ];
}

function scarcestOf(runs: readonly RunReport[]): Dimension {
  const use = (dimension: Dimension) => runs.reduce((sum, run) => sum + (run.utilization[dimension]?.mean ?? 0), 0);
  return dimensions.toSorted((a, b) => use(b) - use(a))[0] ?? 'cpu';
}

/** Runs end at different times: all are drawn over the time of the longest. */
function longest(times: readonly (readonly number[])[]): readonly number[] {
  return times.toSorted((a, b) => (b.at(-1) ?? 0) - (a.at(-1) ?? 0))[0] ?? [];
}

/** A curve over other times; 0 after its own end. */
function fitted(times: readonly number[], values: readonly number[], xs: readonly number[]): number[] {
  const piece = (times[1] ?? 0) - (times[0] ?? 0);
  return xs.map((x) => (piece > 0 ? (values[Math.floor(x / piece + 1e-9)] ?? 0) : (values[0] ?? 0)));
}
