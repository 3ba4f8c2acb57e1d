import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import type { Bench, BenchContext, Metric } from './support/bench.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { type Replay, readReplay, type Workload } from './support/kueue.ts';
import { mean } from './support/mean.ts';
import { requireDurable } from './support/require-durable.ts';
import { scoped } from './support/scope.ts';

const runs = 3;
/** Seconds from the first submission to the last end; Kueue's are the means that its CI is calibrated with. */
const replays = [
  { name: 'baseline', kueue: 351, atMost: 75 },
  { name: 'large-scale', kueue: 1179, atMost: 60 },
] as const;

export const bench: Bench = {
  about: `Kueue's own performance tests, replayed in real time: a cohort is a simulated cluster of one node with the quota of its queues, which may borrow all
of it; nobody is stopped for others. Submitted over HTTP by a process of its own, each workload when the generator creates it; PostgreSQL with fsync on. From the
first submission to the last end; waits are from when a workload is due to its admission. Kueue took ${replays.map(({ name, kueue }) => `${kueue} s (${name})`).join(' and ')}: as a
controller that pays for the API server of Kubernetes and its etcd, which we do without; our containers are simulated, as its pods are. So it is the systems that are compared,
not the schedulers alone.`,
  async run(context) {
    const all = await Promise.all(replays.map(async (one) => ({ ...one, replay: await readReplay(one.name) })));
    const metrics: Record<string, Metric> = {};
    for (const { name, atMost, replay } of all) {
      context.say(
        `${name}: ${replay.workloads.length} workloads, at least ${(replay.boundMs / 1000).toFixed(1)} s by capacity`,
      );
      const taken: number[] = [];
      const waits = new Map<string, number[]>();
      for (let run = 0; run < runs; run += 1) {
        // On an installation of its own: what has ended before is no part of it.
        const { seconds, meanWaits } = await scoped(context, (inner) => runOnce(inner, replay));
        taken.push(seconds);
        for (const [className, wait] of meanWaits) waits.set(className, [...(waits.get(className) ?? []), wait]);
        const told = [...meanWaits].map(([className, wait]) => `${className} waited ${wait.toFixed(1)} s`).join(', ');
        context.say(`${name}: ${seconds.toFixed(1)} s; ${told}`);
      }
      metrics[name] = { values: taken, unit: 's', target: { atMost } };
      for (const [className, values] of waits) metrics[`${name}_wait_${className}`] = { values, unit: 's' };
    }
    return metrics;
  },
};

interface Result {
  readonly seconds: number;
  /** Seconds, of each class. */
  readonly meanWaits: ReadonlyMap<string, number>;
}

async function runOnce(context: BenchContext, replay: Replay): Promise<Result> {
  const installation = await openInstallation(context);
  await requireDurable(context, installation.hypervisor.db);
  const clusters: string[] = [];
  // CPU is what the quota is of; there is always memory.
  for (const quota of replay.quotas)
    clusters.push((await installation.createCluster({ ram: 1000, cpu: quota, gpu: 0, runtime: 'simulated' })).id);
  const due = replay.workloads.map((workload, index) => ({
    atMs: workload.atMs,
    deployment: deploymentOf(workload, index, clusters[workload.cohort] ?? ''),
  }));
  const startedAt = await submit(context, installation, due);
  await untilAllEnded(context, installation, replay.workloads.length);
  return measure(installation, startedAt, replay.workloads);
}

function deploymentOf({ className, priority, request, runtimeMs }: Workload, index: number, clusterId: string) {
  return {
    cluster_id: clusterId,
    name: `${className}-${index}`,
    docker_image: 'simulated/job',
    ram_required: 0.001,
    cpu_required: request,
    // Kueue's are the other way round; 50, 100 and 200 are in use.
    priority: Math.max(1, 100 - priority / 2),
    env: { SIM_RUN_MS: String(runtimeMs) },
  };
}

/** Resolves, when all have been acknowledged, to the time at which the first was due. */
async function submit(context: BenchContext, { url, token }: Installation, due: readonly unknown[]): Promise<number> {
  const path = fileURLToPath(new URL('support/replay-client.ts', import.meta.url));
  const client = fork(path, [], { execArgv: process.execArgv });
  const abort = () => client.kill();
  context.signal.addEventListener('abort', abort);
  const exit = once(client, 'exit') as Promise<[number | null]>;
  const started = once(client, 'message') as Promise<[{ startedAt: number }]>;
  client.send({ url, token, due });
  const [code] = await exit;
  context.signal.removeEventListener('abort', abort);
  context.signal.throwIfAborted();
  if (code !== 0) throw new Error(`the client ended with ${code}`);
  return (await started)[0].startedAt;
}

async function untilAllEnded(context: BenchContext, { hypervisor }: Installation, wanted: number): Promise<void> {
  for (;;) {
    context.signal.throwIfAborted();
    const { rows } = await sql<{ ended: number }>`
      select count(*)::int as ended from deployment where status in ('succeeded', 'failed', 'cancelled')`.execute(
      hypervisor.db,
    );
    if (rows[0]?.ended === wanted) return;
    await sleep(200);
  }
}

async function measure(
  { hypervisor }: Installation,
  startedAt: number,
  workloads: readonly Workload[],
): Promise<Result> {
  const { rows } = await sql<{ name: string; status: string; admitted: number; finished: number }>`
    select name, status, (extract(epoch from admitted_at) * 1000)::float8 as admitted,
           (extract(epoch from finished_at) * 1000)::float8 as finished from deployment`.execute(hypervisor.db);
  const waits = new Map<string, number[]>();
  let last = startedAt;
  for (const { name, status, admitted, finished } of rows) {
    if (status !== 'succeeded') throw new Error(`${name} is ${status}`);
    const [className, index] = name.split('-') as [string, string];
    const wait = (admitted - startedAt - (workloads[Number(index)]?.atMs ?? 0)) / 1000;
    const ofClass = waits.get(className) ?? [];
    ofClass.push(wait);
    waits.set(className, ofClass);
    last = Math.max(last, finished);
  }
  return {
    seconds: (last - startedAt) / 1000,
    meanWaits: new Map([...waits].map(([className, values]) => [className, mean(values)])),
  };
}
