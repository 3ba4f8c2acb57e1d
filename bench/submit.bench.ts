import { type Bench, type BenchContext, type Metric, median } from './support/bench.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { runSubmitClient } from './support/run-submit-client.ts';

const runs = 5;
const concurrency = 16;

export const bench: Bench = {
  about: `Submissions over HTTP, ${concurrency} requests at a time on kept-alive connections, from a client in a process of its own on the
same machine. Each is committed to disk before it is answered. The cluster is full, so that the queue grows meanwhile and the
scheduler looks at it as it always does.`,
  async run(context) {
    const installation = await openInstallation(context);
    return {
      submit_single: await measure(context, installation, { batch: 1, requests: 4000, target: 1500 }),
      submit_batch: await measure(context, installation, { batch: 500, requests: 40, target: 10_000 }),
    };
  },
};

async function measure(
  context: BenchContext,
  installation: Installation,
  load: { batch: number; requests: number; target: number },
): Promise<Metric> {
  const values: number[] = [];
  for (let run = 0; run <= runs; run += 1) {
    context.signal.throwIfAborted();
    const cluster = await installation.fullCluster();
    const { seconds } = await runSubmitClient({
      url: installation.url,
      token: installation.token,
      cluster_id: cluster.id,
      concurrency,
      batch: load.batch,
      requests: load.requests,
    });
    await installation.deleteCluster(cluster.id);
    if (run > 0) values.push((load.batch * load.requests) / seconds);
  }
  context.say(`in requests of ${load.batch}: ${median(values).toFixed(0)} deployments/s`);
  return { values, unit: 'deployments/s', target: { atLeast: load.target } };
}
