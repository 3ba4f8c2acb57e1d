import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { openBrowser } from '../test/support/chromium.ts';
import type { Bench, BenchContext, Metric } from './support/bench.ts';
import { type Installation, openInstallation } from './support/installation.ts';

const runs = 5;
const queued = 10_000;
/** So many short jobs a second: each tells of its submission, admission, start and end. */
const jobsPerSecond = 13;
const perRequest = 500;

export const bench: Bench = {
  about: `How long the dashboard takes from a key or a click to the next picture (Event Timing API: input delay, handlers, rendering), in Chromium on
the machine of the control plane, with ${queued} deployments queued and about 50 events a second. One run: the list of deployments (filter by name, scroll,
open, back), the queue (scroll, select, filter), the palette. The longest of each run counts.`,
  async run(context) {
    const installation = await openInstallation(context);
    await installation.hypervisor.makeDashboard();
    const full = await installation.fullCluster();
    await fill(installation, full.id);
    const busy = await installation.createCluster({ ram: 64, cpu: 64, gpu: 0, runtime: 'simulated' });
    const storm = startStorm(context, installation, busy.id);
    try {
      return await measure(context, installation, full.id);
    } finally {
      await storm.stop();
    }
  },
};

async function fill(installation: Installation, clusterId: string): Promise<void> {
  for (let from = 0; from < queued; from += perRequest) {
    const deployments = Array.from({ length: perRequest }, (_, index) => ({
      cluster_id: clusterId,
      name: `waits-${from + index}`,
      docker_image: 'simulated/job',
      ram_required: 1,
      cpu_required: 1,
      priority: 10 + ((from + index) % 40),
    }));
    await installation.post('/deployments/batch', { deployments });
  }
}

function startStorm(context: BenchContext, installation: Installation, clusterId: string): { stop(): Promise<void> } {
  let stopped = false;
  const run = async () => {
    while (!stopped && !context.signal.aborted) {
      const deployments = Array.from({ length: jobsPerSecond }, () => ({
        cluster_id: clusterId,
        docker_image: 'simulated/job',
        ram_required: 1,
        cpu_required: 1,
        env: { SIM_RUN_MS: '50' },
      }));
      await Promise.all([installation.post('/deployments/batch', { deployments }), sleep(1000)]);
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function measure(
  context: BenchContext,
  { url, token }: Installation,
  clusterId: string,
): Promise<Record<string, Metric>> {
  const browser = await context.acquire('the browser', openBrowser, (opened) => opened.close());
  await browser.addCookies([{ name: 'hypervisor_session', value: token, url }]);
  await browser.addInitScript(listen);
  const page = await browser.newPage();
  const longest: number[] = [];
  const interactions: number[] = [];
  for (let run = 0; run <= runs; run += 1) {
    context.signal.throwIfAborted();
    const durations = [...(await useDeployments(page, url)), ...(await useQueue(page, url, clusterId))];
    // The first one loads and compiles what the others have.
    if (run === 0) continue;
    longest.push(Math.max(...durations));
    interactions.push(durations.length);
    context.say(`${durations.length} interactions, the longest ${Math.max(...durations)} ms`);
  }
  return {
    longest: { values: longest, unit: 'ms', target: { atMost: 100 } },
    interactions: { values: interactions, unit: '' },
  };
}

interface Listening {
  hypervisorInteractions: number[];
}

/** Runs in the page. Those of less than 16 ms are not told of. */
function listen(): void {
  const page = globalThis as unknown as Listening & {
    PerformanceObserver: new (
      heard: (list: { getEntries(): { duration: number; interactionId: number }[] }) => void,
    ) => {
      observe(options: object): void;
    };
  };
  page.hypervisorInteractions = [];
  new page.PerformanceObserver((list) => {
    for (const { duration, interactionId } of list.getEntries()) {
      if (interactionId > 0) page.hypervisorInteractions.push(duration);
    }
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
}

async function taken(page: Page): Promise<number[]> {
  // They are told of after the picture.
  await sleep(300);
  return page.evaluate(() => (globalThis as unknown as Listening).hypervisorInteractions.splice(0));
}

async function useDeployments(page: Page, url: string): Promise<number[]> {
  await page.goto(`${url}/deployments?status=queued`);
  const table = page.getByRole('table', { name: 'Deployments' });
  await table.waitFor();
  await page.getByRole('textbox', { name: 'Name' }).pressSequentially('waits-12', { delay: 60 });
  await sleep(800);
  await table.hover();
  for (let turn = 0; turn < 10; turn += 1) await page.mouse.wheel(0, 1500);
  await page.getByRole('row').nth(3).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  const durations = await taken(page);
  await page.goBack();
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('A page, a cluster or a deployment').pressSequentially('waits-7', { delay: 60 });
  await sleep(500);
  await page.keyboard.press('Escape');
  return [...durations, ...(await taken(page))];
}

async function useQueue(page: Page, url: string, clusterId: string): Promise<number[]> {
  await page.goto(`${url}/clusters/${clusterId}?tab=queue`);
  const rows = page.getByRole('row');
  await rows.nth(5).waitFor();
  for (const index of [2, 3, 4]) await rows.nth(index).getByRole('checkbox').click();
  await rows.nth(5).hover();
  for (let turn = 0; turn < 20; turn += 1) {
    await page.mouse.wheel(0, 2000);
    await sleep(50);
  }
  await page.getByPlaceholder('Part of the name').pressSequentially('waits-3', { delay: 60 });
  await sleep(800);
  return taken(page);
}
