/**
 * `npm run screenshots`: makes the pictures of the dashboard that are in docs/screenshots, from a control plane of its own with a simulated
 * cluster that is busy. Nothing is left running.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeConfig } from '../src/config.ts';
import { startHypervisor } from '../src/main.ts';
import { type Client, type Cluster, register } from '../test/conformance/client.ts';
import { openBrowser } from '../test/support/chromium.ts';
import { loaded, signInAs } from '../test/support/dashboard.ts';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'screenshots');
/** Long enough for some samples of what the cluster did. */
const historyMs = 75_000;

const job = { kind: 'job', docker_image: 'simulated/job' } as const;
const tooLong = 3_600_000;

async function fill(owner: Client): Promise<{ cluster: Cluster; waiting: string; service: string }> {
  const gpus = Array.from({ length: 4 }, () => ({ model: 'A100', memory_gb: 40 }));
  const cluster = await owner.createCluster({
    name: 'training',
    runtime: 'simulated',
    nodes: [0, 1, 2].map((index) => ({ name: `gpu-${index}`, ram: 256, cpu: 32, gpus })),
  });
  const submit = (inputs: Parameters<Client['submitAll']>[1]) => owner.submitAll(cluster.id, inputs);
  const train = (name: string, gpu: number, more = {}) => ({
    ...job,
    name,
    ram_required: gpu * 48,
    cpu_required: gpu * 6,
    gpu_required: gpu,
    priority: 10,
    time_limit_s: 7200,
    ...more,
  });
  await submit([
    train('llama-finetune', 4),
    train('resnet-sweep-a', 1),
    train('resnet-sweep-b', 1),
    train('speech-large', 2, { priority: 5 }),
    { ...job, name: 'nightly-etl', ram_required: 8, cpu_required: 4, env: { SIM_RUN_MS: '20000' } },
    { ...job, name: 'flaky-import', ram_required: 2, cpu_required: 1, env: { SIM_RUN_MS: '4000', SIM_EXIT_CODE: '3' } },
  ]);
  const [service] = await submit([
    {
      kind: 'service',
      docker_image: 'simulated/api',
      name: 'inference-api',
      replicas: 2,
      ram_required: 24,
      cpu_required: 2,
      gpu_required: 1,
      priority: 1,
      ports: [{ container: 8080 }],
    },
  ]);
  await submit(
    Array.from({ length: 12 }, (_, index) => ({
      ...job,
      name: `report-${index}`,
      ram_required: 1,
      cpu_required: 1,
      env: { SIM_RUN_MS: String(3000 + 4000 * index) },
    })),
  );
  const [waiting] = await submit([
    train('vision-pretrain', 4, { priority: 8 }),
    train('rl-agent', 3, { priority: 20 }),
    train('tts-eval', 2, { priority: 30 }),
  ]);
  await submit(
    Array.from({ length: 40 }, (_, index) =>
      train(`ablation-${index}`, 1 + (index % 3), {
        priority: 40 + (index % 20),
        env: { SIM_RUN_MS: String(tooLong) },
      }),
    ),
  );
  if (waiting === undefined || service === undefined) throw new Error('what was submitted was not answered');
  return { cluster, waiting: waiting.id, service: service.id };
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'hv-screenshots-'));
  await chmod(dir, 0o755);
  await mkdir(folder, { recursive: true });
  const config = makeConfig({ dataDir: dir, port: 0, dockerHost: null, logLevel: 'fatal', registration: 'open' }, {});
  const hypervisor = await startHypervisor(config);
  try {
    await hypervisor.makeDashboard();
    const owner = await register(hypervisor.url);
    const organization = await owner.call<{ id: string }>('POST', '/organizations', { name: 'Research' });
    await owner.call('PATCH', '/me', { organization_id: organization.id });
    const { cluster, waiting, service } = await fill(owner);
    console.error(`waiting ${historyMs / 1000} s for some history`);
    await sleep(historyMs);
    const pages: readonly (readonly [string, string])[] = [
      ['overview', '/'],
      ['cluster', `/clusters/${cluster.id}`],
      ['queue', `/clusters/${cluster.id}?tab=queue`],
      ['timeline', `/clusters/${cluster.id}?tab=timeline`],
      ['decisions', `/clusters/${cluster.id}?tab=decisions`],
      ['policy', `/clusters/${cluster.id}?tab=policy`],
      ['waiting', `/deployments/${waiting}`],
      ['service', `/deployments/${service}`],
      ['submit', `/submit?from=${waiting}`],
      ['people', '/people'],
      ['audit', '/people?tab=audit'],
    ];
    for (const [mode, colorScheme, width, height] of [
      ['light', 'light', 1280, 800],
      ['dark', 'dark', 1280, 800],
      ['phone', 'dark', 360, 740],
    ] as const) {
      const context = await openBrowser({ colorScheme, viewport: { width, height } });
      await signInAs(context, owner);
      const page = await context.newPage();
      for (const [name, path] of pages) {
        await page.goto(hypervisor.url + path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await loaded(page);
        // Charts and editors are drawn a moment after they are loaded.
        await sleep(1000);
        await page.screenshot({ path: join(folder, `${name}-${mode}.png`) });
        console.error(`${name}-${mode}.png`);
      }
      await context.close();
    }
  } finally {
    await hypervisor.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

await main();
