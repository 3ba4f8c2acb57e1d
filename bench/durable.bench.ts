import { sql } from 'kysely';
import type { Bench, BenchContext, Metric } from './support/bench.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { percentile } from './support/percentile.ts';
import { requireDurable } from './support/require-durable.ts';
import { runSubmitClient, type Submitted } from './support/run-submit-client.ts';

const runs = 5;
/** How many clients there are, and how many requests they make together in a run. */
const loads = [
  { clients: 1, requests: 500 },
  { clients: 8, requests: 2000 },
  { clients: 32, requests: 4000 },
  { clients: 128, requests: 6000 },
] as const;

export const bench: Bench = {
  about: `Submissions over HTTP, one deployment each, by 1, 8, 32 and 128 clients at a time, each of which waits for its answer before it submits the next: acknowledged,
and with that on disk, a second; and how long an answer took. The clients are in one process of their own on the same machine. The cluster is full, so that nothing else
goes on but passes over the queue.`,
  async run(context) {
    const installation = await openInstallation(context);
    await requireDurable(context, installation.hypervisor.db);
    const metrics: Record<string, Metric> = {};
    for (const load of loads) Object.assign(metrics, await measure(context, installation, load));
    return metrics;
  },
};

async function measure(
  context: BenchContext,
  installation: Installation,
  { clients, requests }: (typeof loads)[number],
): Promise<Record<string, Metric>> {
  const all: Submitted[] = [];
  for (let run = 0; run <= runs; run += 1) {
    context.signal.throwIfAborted();
    const cluster = await installation.fullCluster();
    const { url, token } = installation;
    const done = await runSubmitClient({
      url,
      token,
      cluster_id: cluster.id,
      concurrency: clients,
      batch: 1,
      requests,
    });
    await requireAll(installation, cluster.id, requests);
    await installation.deleteCluster(cluster.id);
    // The first one meets a cold control plane.
    if (run > 0) all.push(done);
  }
  const perSecond = all.map(({ seconds }) => requests / seconds);
  const ofAll = (percent: number) => all.map(({ tookMs }) => percentile(tookMs, percent));
  context.say(`${clients} clients: ${perSecond.map((value) => value.toFixed(0)).join(', ')}/s`);
  return {
    [`clients_${clients}`]: { values: perSecond, unit: '/s' },
    [`clients_${clients}_p50`]: { values: ofAll(50), unit: 'ms' },
    [`clients_${clients}_p99`]: { values: ofAll(99), unit: 'ms' },
  };
}

/** What was acknowledged is there, beside the service that fills the cluster. */
async function requireAll({ hypervisor }: Installation, clusterId: string, requests: number): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from deployment where cluster_id = ${clusterId}`.execute(hypervisor.db);
  if (rows[0]?.count !== requests + 1) throw new Error(`${requests} were acknowledged, ${rows[0]?.count} are there`);
}
