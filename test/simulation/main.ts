/**
 * `npm run faults -- [--seeds N] [--from S] [--json]`: runs the control plane through N histories of faults.
 * `npm run faults -- --seed S [--bug NAME]`: runs one again, tells what happened, and makes it smaller if it fails.
 * `npm run faults -- --bugs [--seeds N] [--bug NAME]`: plants each of the known faults, or one, and tells after how many histories it is found.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Crew } from './crew.ts';
import type { Order, OutcomeOfSeed } from './orders.ts';
import { plantedBugs } from './planted-bugs.ts';
import type { Shrunk } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(Math.min(availableParallelism(), 4)) },
    json: { type: 'boolean', default: false },
  },
});

/** Of the first that fail, so many are made smaller. */
const shrunkMax = 3;
/** After so many failures nothing new is learned. */
const failuresMax = 20;
const seedsAtOnce = 10;
const progressMs = 5_000;

const say = (line: string) => process.stderr.write(`${line}\n`);
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Tally {
  seeds: number;
  events: number;
  simulatedMs: number;
  readonly failures: OutcomeOfSeed[];
}

/** Many histories. True where none failed. */
async function runMany(crew: Crew, from: number, count: number): Promise<boolean> {
  const tally: Tally = { seeds: 0, events: 0, simulatedMs: 0, failures: [] };
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  let next = from;
  const progress = setInterval(() => {
    const { seeds, failures } = tally;
    say(`  ${seeds} of ${count} histories, ${(seeds / seconds()).toFixed(1)} a second, ${failures.length} failed`);
  }, progressMs);
  await crew
    .work(
      () => {
        if (next >= from + count || tally.failures.length >= failuresMax) return null;
        const to = Math.min(next + seedsAtOnce, from + count);
        const order: Order = { kind: 'run', from: next, to, bug: null, trace: false };
        next = to;
        return order;
      },
      (report) => {
        if (report.kind === 'outcome') countIn(tally, report);
      },
    )
    .finally(() => clearInterval(progress));
  const tookSeconds = seconds();
  const shrunk = await shrinkAll(crew, tally.failures.slice(0, shrunkMax));
  const { seeds, events, simulatedMs, failures } = tally;
  for (const { seed, found } of failures.toSorted((a, b) => a.seed - b.seed)) {
    say(`seed ${seed}: ${found?.rule}: ${found?.message}`);
    const smaller = shrunk.get(seed);
    if (smaller != null) say(`  the smallest history found: ${JSON.stringify(smaller.scenario)}\n  ${smaller.message}`);
    say(`  again: npm run faults -- --seed ${seed}`);
  }
  const rate = (seeds / tookSeconds).toFixed(1);
  say(
    `${seeds} histories, ${events} events, ${Math.round(simulatedMs / 1000)} simulated seconds in ${tookSeconds.toFixed(0)} s (${rate} a second; ` +
      `Node used ${(crew.usedMs / seeds).toFixed(0)} ms for each): ${failures.length} failed`,
  );
  if (values.json) {
    const failed = failures.map(({ seed, found }) => ({ seed, ...found }));
    print(
      JSON.stringify({ seeds, events, simulated_ms: Math.round(simulatedMs), took_s: tookSeconds, failures: failed }),
    );
  }
  return failures.length === 0 && seeds === count;
}

function countIn(tally: Tally, outcome: OutcomeOfSeed): void {
  tally.seeds += 1;
  tally.events += outcome.events;
  tally.simulatedMs += outcome.simulatedMs;
  if (outcome.found === null) return;
  tally.failures.push(outcome);
  say(`  seed ${outcome.seed}: ${outcome.found.rule}: ${outcome.found.message}`);
}

async function shrinkAll(crew: Crew, failures: readonly OutcomeOfSeed[]): Promise<Map<number, Shrunk | null>> {
  const waiting = [...failures];
  const shrunk = new Map<number, Shrunk | null>();
  const next = (): Order | null => {
    const one = waiting.pop();
    return one === undefined ? null : { kind: 'shrink', seed: one.seed, bug: one.bug };
  };
  await crew.work(next, (report) => {
    if (report.kind === 'shrunk') shrunk.set(report.seed, report.shrunk);
  });
  return shrunk;
}

/** One history, with all that happened in it. True where it does not fail. */
async function runOne(crew: Crew, seed: number, bug: string | null): Promise<boolean> {
  const orders: Order[] = [{ kind: 'run', from: seed, to: seed + 1, bug, trace: true }];
  const failures: OutcomeOfSeed[] = [];
  await crew.work(
    () => orders.pop() ?? null,
    (report) => {
      if (report.kind !== 'outcome') return;
      for (const line of report.trace ?? []) print(line);
      say(`seed ${seed}: ${report.events} events, trace ${report.hash}`);
      if (report.found !== null) failures.push(report);
      say(report.found === null ? 'nothing is wrong' : `${report.found.rule}: ${report.found.message}`);
    },
  );
  for (const smaller of (await shrinkAll(crew, failures)).values()) {
    if (smaller === null) continue;
    say(`the smallest history found in ${smaller.tries} tries: ${JSON.stringify(smaller.scenario, null, 2)}`);
    say(smaller.message);
  }
  return failures.length === 0;
}

interface Found {
  readonly seeds: number;
  readonly rule: string | null;
  readonly message: string;
}

/** Each planted fault by itself. True where all were found. */
async function findBugs(crew: Crew, seedsMax: number): Promise<boolean> {
  const names = values.bug === undefined ? Object.keys(plantedBugs) : [values.bug];
  const waiting = [...names];
  const found = new Map<string, Found>(names.map((name) => [name, { seeds: 0, rule: null, message: '' }]));
  await crew.work(
    () => {
      const bug = waiting.shift();
      return bug === undefined ? null : { kind: 'run', from: 1, to: 1 + seedsMax, bug, trace: false };
    },
    (report) => {
      if (report.kind !== 'outcome' || report.bug === null) return;
      const rule = report.found?.rule ?? null;
      found.set(report.bug, { seeds: report.seed, rule, message: report.found?.message.split('\n')[0] ?? '' });
      if (rule !== null)
        say(`  ${report.bug}: ${rule}, after ${report.seed} histories (${found.get(report.bug)?.message})`);
    },
  );
  for (const [name, { seeds, rule }] of found) if (rule === null) say(`  ${name}: not found in ${seeds} histories`);
  if (values.json) print(JSON.stringify(Object.fromEntries(found)));
  return [...found.values()].every(({ rule }) => rule !== null);
}

const crew = new Crew(values.seed === undefined ? Number(values.workers) : 1);
try {
  const isWell = values.bugs
    ? await findBugs(crew, Number(values.seeds ?? 200))
    : values.seed === undefined
      ? await runMany(crew, Number(values.from), Number(values.seeds ?? 200))
      : await runOne(crew, Number(values.seed), values.bug ?? null);
  process.exitCode = isWell ? 0 : 1;
} finally {
  await crew.end();
}
