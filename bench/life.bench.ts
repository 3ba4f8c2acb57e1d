import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { sql } from 'kysely';
import pLimit from 'p-limit';
import { busyboxImage } from '../src/platform/busybox-image.ts';
import { type Bench, type BenchContext, type Metric, median } from './support/bench.ts';
import { openDockerInstallation } from './support/docker-installation.ts';
import { type Installation, openInstallation } from './support/installation.ts';

const runs = 5;
const jobs = 1000;
const slots = 8;
/** Milliseconds that each works. */
const workMs = 5;
/** Of a hundred: those whose first attempt fails, and those that never end and are stopped at their time limit. */
const failing = 5;
const overdue = 1;

const pairs = 3;
const containers = 100;
const containerSlots = 10;
const command = ['sh', '-c', 'echo working; sleep 1; echo done'];
const ramGb = 0.064;

export const bench: Bench = {
  about: `From submission to the last end. Simulated: ${jobs} jobs of ${workMs} ms through ${slots} slots, each with a time limit; of a hundred
${failing} fail at first and are tried again, ${overdue} is stopped at its time limit of 1 s. With Docker: ${containers} containers of busybox
that work for a second, through ${containerSlots} slots, against plain calls of the same client library to the same engine (create, start,
wait, read the log, remove; ${containerSlots} at once), in turn. The ratio is that of a pair.`,
  async run(context) {
    const simulated = await throughSimulated(context);
    return { ...simulated, ...(await throughDocker(context)) };
  },
};

async function throughSimulated(context: BenchContext): Promise<Record<string, Metric>> {
  const installation = await openInstallation(context);
  const values: number[] = [];
  for (let run = 0; run <= runs; run += 1) {
    context.signal.throwIfAborted();
    const cluster = await installation.createCluster({ ram: slots, cpu: slots, gpu: 0, runtime: 'simulated' });
    const deployments = Array.from({ length: jobs }, (_, index) => simulatedJob(cluster.id, index));
    const seconds = await timed(async () => {
      await installation.post('/deployments/batch', { deployments });
      await untilAllEnded(context, installation, cluster.id);
    });
    await verify(installation, cluster.id);
    // The first one meets a cold control plane.
    if (run > 0) values.push(jobs / seconds);
    context.say(`simulated: ${jobs} jobs in ${seconds.toFixed(2)} s`);
    await installation.deleteCluster(cluster.id);
  }
  return { completed: { values, unit: '/s', target: { atLeast: 300 } } };
}

function simulatedJob(clusterId: string, index: number) {
  const turn = index % 100;
  const fails = turn < failing;
  const stays = turn >= 100 - overdue;
  return {
    cluster_id: clusterId,
    name: `job-${index}`,
    docker_image: 'simulated/job',
    ram_required: 1,
    cpu_required: 1,
    time_limit_s: stays ? 1 : 60,
    retry: { limit: 2 },
    env: {
      ...(stays ? {} : { SIM_RUN_MS: String(workMs) }),
      ...(fails ? { SIM_EXIT_CODE: '1,0' } : {}),
    },
  };
}

/** Nothing is lost, nothing is held: each has ended as it had to. */
async function verify({ hypervisor }: Installation, clusterId: string): Promise<void> {
  const { rows } = await sql<{ status: string; attempts: number; count: number }>`
    select status, attempt as attempts, count(*)::int as count from deployment where cluster_id = ${clusterId}
     group by status, attempt order by status, attempt`.execute(hypervisor.db);
  const { rows: held } = await sql`select 1 from allocation where cluster_id = ${clusterId}`.execute(hypervisor.db);
  const found = rows.map(({ status, attempts, count }) => `${count} ${status} at attempt ${attempts}`).join(', ');
  const share = jobs / 100;
  const wanted = [
    `${overdue * share} failed at attempt 1`,
    `${(100 - failing - overdue) * share} succeeded at attempt 1`,
    `${failing * share} succeeded at attempt 2`,
  ].join(', ');
  if (found !== wanted || held.length > 0) throw new Error(`expected ${wanted}; found ${found}, ${held.length} held`);
}

async function throughDocker(context: BenchContext): Promise<Record<string, Metric>> {
  const { docker, installation } = await openDockerInstallation(context);
  const size = { ram: containerSlots, cpu: containerSlots, gpu: 0 };
  const cluster = await installation.createCluster({ ...size, runtime: 'docker' });
  const plain: number[] = [];
  const submitted: number[] = [];
  for (let pair = 0; pair <= pairs; pair += 1) {
    context.signal.throwIfAborted();
    // The first pair meets a cold engine and a cold control plane.
    const counts = pair > 0;
    const ofPlain = await timed(() => runPlainly(docker));
    const ofSubmitted = await timed(() => submitAll(context, installation, cluster.id));
    context.say(`docker: plainly ${ofPlain.toFixed(2)} s, submitted ${ofSubmitted.toFixed(2)} s`);
    if (!counts) continue;
    plain.push(ofPlain);
    submitted.push(ofSubmitted);
  }
  const ratio = submitted.map((value, i) => (100 * value) / (plain[i] ?? Number.NaN));
  context.say(`median ${median(submitted).toFixed(2)} s, plainly ${median(plain).toFixed(2)} s`);
  return {
    docker_of_plain: { values: ratio, unit: '%', target: { atMost: 110 } },
    docker: { values: submitted, unit: 's' },
    docker_plain: { values: plain, unit: 's' },
  };
}

/** The same limits as Hypervisor sets, so that the engine has the same to do. */
async function runPlainly(docker: Docker): Promise<void> {
  const limited = pLimit(containerSlots);
  const memory = Math.round(ramGb * 1024 ** 3);
  const runOne = async () => {
    const container = await docker.createContainer({
      name: `hypervisor-bench-${randomUUID()}`,
      Image: busyboxImage,
      Cmd: command,
      HostConfig: { Memory: memory, MemorySwap: memory, CpuPeriod: 100_000, CpuQuota: 100_000 },
    });
    try {
      await container.start();
      await container.wait();
      const log = await container.logs({ stdout: true, stderr: true, follow: true });
      log.resume();
      await once(log, 'end');
    } finally {
      await container.remove({ force: true });
    }
  };
  await Promise.all(Array.from({ length: containers }, () => limited(runOne)));
}

/** Until the last one has ended, and its container is cleaned up. */
async function submitAll(context: BenchContext, installation: Installation, clusterId: string): Promise<void> {
  const deployments = Array.from({ length: containers }, (_, index) => ({
    cluster_id: clusterId,
    name: `container-${index}`,
    docker_image: busyboxImage,
    command,
    ram_required: ramGb,
    cpu_required: 1,
  }));
  await installation.post('/deployments/batch', { deployments });
  await untilAllEnded(context, installation, clusterId);
  while ((await installation.hypervisor.runtimes.docker.list()).length > 0) await sleep(20);
}

async function untilAllEnded(context: BenchContext, { hypervisor }: Installation, clusterId: string): Promise<void> {
  for (;;) {
    context.signal.throwIfAborted();
    const { rows } = await sql`
      select 1 from deployment where cluster_id = ${clusterId} and status in ('queued', 'starting', 'running', 'stopping') limit 1`.execute(
      hypervisor.db,
    );
    if (rows.length === 0) return;
    await sleep(20);
  }
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return (performance.now() - startedAt) / 1000;
}
