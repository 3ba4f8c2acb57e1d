import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Bench, BenchContext, Metric } from './support/bench.ts';
import { type ManyProcesses, openProcesses } from './support/many-processes.ts';
import { percentile } from './support/percentile.ts';
import { slopeOf } from './support/slope.ts';

const minutesByDefault = 60;
/** The time is cut into so many parts, for what is compared over time. */
const parts = 10;
const sampleMs = 5_000;
/** The first part warms up: what is compiled and remembered then is no leak. */
const warmUpParts = 2;
const people = 4;
const pauseMs = 400;
const progressMs = 60_000;

export const bench: Bench = {
  about: `An hour (--minutes N) of mixed load on one control plane in a process of its own: ${people} people who submit jobs of up to 2 s, one by one and in tens, look at lists, the
queue and the cluster, start and stop services and cancel. What the process holds in memory, as a line through what it held after the first fifth of the time; answers that were errors; how long answers took, as
the 99th percentile in each tenth of the time.`,
  async run(context) {
    const ms = (context.minutes ?? minutesByDefault) * 60_000;
    const processes = await openProcesses(context, { all: 1 });
    const [pid] = await pidsOf(processes);
    if (pid === undefined) throw new Error('the process is not noted');
    const record = new Seen(ms);
    await load(context, processes, record, pid);
    return record.metrics(context);
  },
};

/** What was seen, by when it was seen. */
class Seen {
  readonly #ms: number;
  readonly #startedAt = performance.now();
  readonly #tookMs: number[][] = Array.from({ length: parts }, () => []);
  readonly #memory: { hours: number; megabytes: number }[] = [];
  readonly #errors: string[] = [];

  constructor(ms: number) {
    this.#ms = ms;
  }

  get isOver(): boolean {
    return this.#elapsed >= this.#ms;
  }

  get #elapsed(): number {
    return performance.now() - this.#startedAt;
  }

  answered(tookMs: number): void {
    this.#tookMs[Math.min(parts - 1, Math.floor((this.#elapsed / this.#ms) * parts))]?.push(tookMs);
  }

  failed(error: unknown): void {
    this.#errors.push(String(error));
  }

  holds(megabytes: number): void {
    if (this.#elapsed > (this.#ms * warmUpParts) / parts)
      this.#memory.push({ hours: this.#elapsed / 3_600_000, megabytes });
  }

  progress(): string {
    const answers = this.#tookMs.reduce((sum, part) => sum + part.length, 0);
    const megabytes = this.#memory.at(-1)?.megabytes.toFixed(0) ?? '-';
    return `${(this.#elapsed / 60_000).toFixed(1)} min: ${answers} answers, ${this.#errors.length} errors, ${megabytes} MB`;
  }

  metrics(context: BenchContext): Record<string, Metric> {
    for (const error of new Set(this.#errors)) context.say(error);
    const over = this.#tookMs.filter((part) => part.length > 0).map((part) => percentile(part, 99));
    context.say(`99th percentile over time: ${over.map((value) => value.toFixed(0)).join(', ')} ms`);
    const points = this.#memory.map(({ hours, megabytes }) => [hours, megabytes] as const);
    return {
      memory: { values: points.map(([, megabytes]) => megabytes), unit: 'MB' },
      memory_slope: { values: [slopeOf(points)], unit: 'MB/h' },
      errors: { values: [this.#errors.length], unit: '', target: { atMost: 0 } },
      answers: { values: [this.#tookMs.reduce((sum, part) => sum + part.length, 0)], unit: '' },
      p99_of_each_tenth: { values: over, unit: 'ms' },
      p99_first: { values: over.slice(0, 1), unit: 'ms' },
      p99_last: { values: over.slice(-1), unit: 'ms' },
    };
  }
}

async function load(context: BenchContext, processes: ManyProcesses, record: Seen, pid: number): Promise<void> {
  const { id } = await processes.call<{ id: string }>('POST', '/clusters', {
    name: 'soak',
    runtime: 'simulated',
    ram: 64,
    cpu: 32,
    gpu: 0,
    policy: { retention_s: 600 },
  });
  const progress = setInterval(() => context.say(record.progress()), progressMs);
  try {
    await Promise.all([
      ...Array.from({ length: people }, (_, index) => work(context, processes, record, id, index)),
      watchMemory(context, record, pid),
    ]);
  } finally {
    clearInterval(progress);
  }
}

async function watchMemory({ signal }: BenchContext, record: Seen, pid: number): Promise<void> {
  while (!record.isOver && !signal.aborted) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    record.holds(kilobytes / 1024);
    await sleep(sampleMs);
  }
}

async function work(
  { signal }: BenchContext,
  { call }: ManyProcesses,
  record: Seen,
  clusterId: string,
  person: number,
): Promise<void> {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T | undefined> => {
    const askedAt = performance.now();
    try {
      const answer = await call<T>(method, path, body);
      record.answered(performance.now() - askedAt);
      return answer;
    } catch (error) {
      record.failed(error);
      return undefined;
    }
  };
  const job = (turn: number) => ({
    cluster_id: clusterId,
    docker_image: 'simulated/job',
    ram_required: 1,
    cpu_required: 1,
    priority: 1 + ((turn * 7 + person) % 100),
    env: { SIM_RUN_MS: String((turn * 137) % 2000) },
  });
  const service = { ...job(0), kind: 'service', env: {}, stop_grace_s: 1 };
  for (let turn = 0; !record.isOver && !signal.aborted; turn += 1) {
    await ask('POST', '/deployments', job(turn));
    await ask('GET', `/deployments?cluster_id=${clusterId}&limit=50`);
    await ask('GET', `/clusters/${clusterId}/queue`);
    if (turn % 10 === 0)
      await ask('POST', '/deployments/batch', { deployments: Array.from({ length: 10 }, (_, i) => job(turn + i)) });
    if (turn % 20 === 5) {
      const made = await ask<{ id: string }>('POST', '/deployments', service);
      await ask('GET', `/clusters/${clusterId}`);
      // Queued or running, it is ended.
      if (made !== undefined) await ask('DELETE', `/deployments/${made.id}`);
    }
    await sleep(pauseMs);
  }
}

async function pidsOf({ store }: ManyProcesses): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`select pid from process order by started_at`.execute(store.db);
  return rows.map(({ pid }) => pid);
}
