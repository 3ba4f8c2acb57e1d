/**
 * `npm run bench -- NAME [--json] [--minutes N]`: runs bench/NAME.bench.ts and prints a table; with --json also one line of JSON, last.
 * Some may be told how long to measure.
 */
import { readdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { CleanUp, interruption } from '../demo/clean-up.ts';
import { type Bench, type BenchContext, type Metric, summarize } from './support/bench.ts';

const suffix = '.bench.ts';

async function main(): Promise<number> {
  const names = (await readdir(import.meta.dirname)).filter((file) => file.endsWith(suffix)).toSorted();
  const known = names.map((file) => file.slice(0, -suffix.length));
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, minutes: { type: 'string' } },
  });
  const [name, ...others] = positionals;
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  const isTimeGood = minutes === undefined || minutes > 0;
  if (name === undefined || others.length > 0 || !known.includes(name) || !isTimeGood) {
    process.stderr.write(`usage: npm run bench -- NAME [--json] [--minutes N], with NAME one of ${known.join(', ')}\n`);
    return 2;
  }
  const { bench } = (await import(`./${name}${suffix}`)) as { bench: Bench };
  const metrics = await runBench(bench, minutes);
  print(name, bench, metrics, values.json);
  return 0;
}

async function runBench(bench: Bench, minutes: number | undefined): Promise<Readonly<Record<string, Metric>>> {
  const cleanUp = new CleanUp();
  const signal = interruption();
  const context: BenchContext = {
    signal,
    minutes,
    say: (message) => process.stderr.write(`  ${message}\n`),
    acquire: (what, make, unmake) => cleanUp.acquire(what, signal, make, unmake),
  };
  try {
    return await bench.run(context);
  } finally {
    for (const failure of await cleanUp.run()) process.stderr.write(`could not clean up ${failure}\n`);
  }
}

function print(name: string, bench: Bench, metrics: Readonly<Record<string, Metric>>, asJson: boolean): void {
  const summaries = Object.entries(metrics).map(([metric, one]) => ({ metric, one, summary: summarize(one) }));
  const table = new Table({
    head: ['metric', 'median', 'min', 'max', 'runs', 'target'],
    style: { head: [], border: [] },
  });
  for (const { metric, one, summary } of summaries) {
    const { median, min, max, runs, unit } = summary;
    table.push([metric, `${median} ${unit}`, min, max, runs, targetOf(one, median)]);
  }
  process.stdout.write(
    `\n${bench.about}\nOn ${cpus().length} CPUs, Node ${process.versions.node}.\n${table.toString()}\n`,
  );
  if (asJson) {
    const json = Object.fromEntries(summaries.map(({ metric, summary }) => [metric, summary]));
    process.stdout.write(`${JSON.stringify({ bench: name, metrics: json })}\n`);
  }
}

function targetOf({ target }: Metric, median: number): string {
  if (target === undefined) return '';
  return 'atMost' in target
    ? `at most ${target.atMost}: ${median <= target.atMost ? 'met' : 'missed'}`
    : `at least ${target.atLeast}: ${median >= target.atLeast ? 'met' : 'missed'}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
