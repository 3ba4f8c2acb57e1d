import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Bench, type BenchContext, type Metric, median } from './support/bench.ts';
import { filler, untilBusy } from './support/installation.ts';
import { type ManyProcesses, openProcesses } from './support/many-processes.ts';
import { requireDurable } from './support/require-durable.ts';
import { runSubmitClient } from './support/run-submit-client.ts';
import { scoped } from './support/scope.ts';

const counts = [1, 2, 4] as const;
const runs = 3;
const requests = 4000;
const concurrency = 32;
const clusters = 4;
const jobsOfCluster = 500;
const batchMax = 500;

export const bench: Bench = {
  about: `1, 2 and 4 processes of each role (API, scheduler, worker) on one PostgreSQL: submissions acknowledged a second, ${requests} by ${concurrency} clients that are spread over
the APIs; and ${clusters} clusters of ${jobsOfCluster} queued jobs of 50 ms, which are opened at once: how many are admitted and how many completed a second. All of it, PostgreSQL and
clients included, shares the ${cpus().length} cores of this machine: where they are in use, more processes only take them from each other.`,
  async run(context) {
    const metrics: Record<string, Metric> = {};
    for (const count of counts) Object.assign(metrics, await scoped(context, (inner) => measure(inner, count)));
    return metrics;
  },
};

async function measure(context: BenchContext, count: number): Promise<Record<string, Metric>> {
  const processes = await openProcesses(context, { api: count, scheduler: count, worker: count });
  await requireDurable(context, processes.store.db);
  const submitted: number[] = [];
  const admitted: number[] = [];
  const completed: number[] = [];
  for (let run = 0; run <= runs; run += 1) {
    context.signal.throwIfAborted();
    const perSecond = await submitAll(processes, run);
    const jobs = await runJobs(context, processes, run);
    // The first one meets cold processes.
    if (run === 0) continue;
    submitted.push(perSecond);
    admitted.push(jobs.admitted);
    completed.push(jobs.completed);
  }
  const told = [submitted, admitted, completed].map((values) => median(values).toFixed(0));
  context.say(`${count} of each role: ${told[0]} submitted, ${told[1]} admitted, ${told[2]} completed a second`);
  return {
    [`of_each_${count}_submitted`]: { values: submitted, unit: '/s' },
    [`of_each_${count}_admitted`]: { values: admitted, unit: '/s' },
    [`of_each_${count}_completed`]: { values: completed, unit: '/s' },
  };
}

/** Into a cluster that is full, through all APIs at once. */
async function submitAll({ urls, token, call }: ManyProcesses, run: number): Promise<number> {
  const size = { ram: filler.ram_required, cpu: filler.cpu_required, gpu: 0 };
  const { id } = await call<{ id: string }>('POST', '/clusters', {
    name: `full-${run}`,
    runtime: 'simulated',
    ...size,
  });
  await call('POST', '/deployments', { cluster_id: id, ...filler });
  await untilBusy(call, id);
  const share = {
    cluster_id: id,
    token,
    batch: 1,
    concurrency: concurrency / urls.length,
    requests: requests / urls.length,
  };
  const all = await Promise.all(urls.map((url) => runSubmitClient({ url, ...share })));
  await call('DELETE', `/clusters/${id}?force=true`);
  return requests / Math.max(...all.map(({ seconds }) => seconds));
}

async function runJobs(
  context: BenchContext,
  { call, store }: ManyProcesses,
  run: number,
): Promise<{ admitted: number; completed: number }> {
  const ids: string[] = [];
  for (let index = 0; index < clusters; index += 1) ids.push(await fillQueue(call, `jobs-${run}-${index}`));
  const startedAt = Date.now();
  await Promise.all(ids.map((id) => setSchedulable(call, id, true)));
  const wanted = clusters * jobsOfCluster;
  const times = sql<{ count: number; admitted: number; finished: number }>`
    select count(*) filter (where status = 'succeeded')::int as count, (extract(epoch from max(admitted_at)) * 1000)::float8 as admitted,
           (extract(epoch from max(finished_at)) * 1000)::float8 as finished from deployment where cluster_id = any(${ids}::uuid[])`;
  for (;;) {
    context.signal.throwIfAborted();
    const [now] = (await times.execute(store.db)).rows;
    if (now?.count === wanted) {
      for (const id of ids) await call('DELETE', `/clusters/${id}?force=true`);
      const perSecond = (until: number) => (1000 * wanted) / (until - startedAt);
      return { admitted: perSecond(now.admitted), completed: perSecond(now.finished) };
    }
    await sleep(50);
  }
}

async function fillQueue(call: ManyProcesses['call'], name: string): Promise<string> {
  const size = { ram: jobsOfCluster, cpu: jobsOfCluster, gpu: 0 };
  const { id } = await call<{ id: string }>('POST', '/clusters', { name, runtime: 'simulated', ...size });
  await setSchedulable(call, id, false);
  const job = {
    cluster_id: id,
    docker_image: 'simulated/job',
    ram_required: 1,
    cpu_required: 1,
    env: { SIM_RUN_MS: '50' },
  };
  for (let from = 0; from < jobsOfCluster; from += batchMax) {
    const length = Math.min(batchMax, jobsOfCluster - from);
    await call('POST', '/deployments/batch', { deployments: Array.from({ length }, () => job) });
  }
  return id;
}

async function setSchedulable(call: ManyProcesses['call'], id: string, schedulable: boolean): Promise<void> {
  const { items } = await call<{ items: { id: string }[] }>('GET', `/clusters/${id}/nodes`);
  for (const node of items) await call('PATCH', `/clusters/${id}/nodes/${node.id}`, { schedulable });
}
