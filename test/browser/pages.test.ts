/** Every page of the dashboard, against the real server: it shows what is there, says nothing wrong to the console, and can be used by all. */
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, type Cluster, type Deployment, newOwner, unique } from '../conformance/client.ts';
import { openBrowser } from '../support/chromium.ts';
import { expectAccessible, loaded, openPage, signInAs, visit } from '../support/dashboard.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
let cluster: Cluster;
let running: Deployment;
let waiting: Deployment;
let light: BrowserContext;
let phone: BrowserContext;

const simulated = { kind: 'job', docker_image: 'simulated/job', ram_required: 1, cpu_required: 1 } as const;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
  const gpus = [
    { model: 'A100', memory_gb: 40 },
    { model: 'A100', memory_gb: 40 },
  ];
  cluster = await owner.createCluster({
    name: 'lab',
    runtime: 'simulated',
    nodes: [
      { name: 'one', ram: 16, cpu: 8, gpus },
      { name: 'two', ram: 16, cpu: 8, gpus },
    ],
  });
  const large = { ...simulated, ram_required: 12, cpu_required: 6, gpu_required: 2 };
  running = await owner.submit(cluster.id, { ...large, name: 'runs', time_limit_s: 3600 });
  await owner.submit(cluster.id, { ...large, name: 'serves', kind: 'service', ports: [{ container: 80 }] });
  const failing = await owner.submit(cluster.id, {
    ...simulated,
    name: 'fails',
    env: { SIM_RUN_MS: '50', SIM_EXIT_CODE: '3' },
  });
  await owner.became(failing.id, 'failed');
  await owner.became(running.id, 'running');
  waiting = await owner.submit(cluster.id, { ...large, name: 'waits' });
  light = await openBrowser({ colorScheme: 'light' });
  phone = await openBrowser({ colorScheme: 'dark', viewport: { width: 360, height: 740 } });
  for (const context of [light, phone]) await signInAs(context, owner);
});
afterAll(async () => {
  await light?.close();
  await phone?.close();
  await service?.stop();
});

const pages: readonly (readonly [name: string, path: () => string, heading: RegExp])[] = [
  ['overview', () => '/', /organization/i],
  ['deployments', () => '/deployments', /^Deployments$/],
  ['deployments with filters', () => '/deployments?status=failed&sort=priority', /^Deployments$/],
  ['a deployment that runs', () => `/deployments/${running.id}`, /^runs$/],
  ['one that waits', () => `/deployments/${waiting.id}`, /^waits$/],
  ['logs', () => `/deployments/${running.id}?tab=logs`, /^runs$/],
  ['usage', () => `/deployments/${running.id}?tab=usage`, /^runs$/],
  ['terminal', () => `/deployments/${running.id}?tab=terminal`, /^runs$/],
  ['configuration', () => `/deployments/${running.id}?tab=configuration`, /^runs$/],
  ['clusters', () => '/clusters', /^Clusters$/],
  ['cluster: map', () => `/clusters/${cluster.id}`, /^lab$/],
  ['cluster: queue', () => `/clusters/${cluster.id}?tab=queue`, /^lab$/],
  ['cluster: timeline', () => `/clusters/${cluster.id}?tab=timeline`, /^lab$/],
  ['cluster: decisions', () => `/clusters/${cluster.id}?tab=decisions`, /^lab$/],
  ['cluster: policy', () => `/clusters/${cluster.id}?tab=policy`, /^lab$/],
  ['submit', () => '/submit', /^Submit$/],
  ['people: members', () => '/people', /^People$/],
  ['people: invites', () => '/people?tab=invites', /^People$/],
  ['people: tokens', () => '/people?tab=tokens', /^People$/],
  ['people: secrets', () => '/people?tab=secrets', /^People$/],
  ['people: webhooks', () => '/people?tab=webhooks', /^People$/],
  ['people: audit', () => '/people?tab=audit', /^People$/],
  ['account', () => '/account', /^Account$/],
];

describe('every page', () => {
  // A tab for each context, as people have: each new one would be a new process of the browser.
  let tabs: Awaited<ReturnType<typeof openPage>>[] = [];
  beforeAll(async () => {
    tabs = [await openPage(light), await openPage(phone)];
  });
  // One that is left open keeps a connection to the server, and a browser has few.
  afterAll(async () => {
    for (const { page } of tabs) await page.close();
  });

  test.each(pages)('%s', async (_name, path, heading) => {
    for (const { page, complaints } of tabs) {
      await visit(page, service.url + path());
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await loaded(page);
      const problems = page.getByRole('alert').filter({ hasText: /did not work|has a mistake|No answer|Not found/ });
      expect(await problems.allInnerTexts()).toEqual([]);
      const surplus = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
      expect(surplus, 'nothing sticks out at the side').toBeLessThanOrEqual(0);
      await expectAccessible(page);
      expect(complaints.splice(0)).toEqual([]);
    }
  });
});

test('who is not signed in is asked to; a new account makes its organization, and is told what to do first', async () => {
  const stranger = await openBrowser();
  const { page } = await openPage(stranger);
  await visit(page, `${service.url}/deployments?status=failed`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Sign up' }).waitFor();
  const name = unique('person');
  await page.getByRole('textbox', { name: 'Username' }).fill(name);
  await page.getByRole('textbox', { name: 'E-mail' }).fill(`${name}@example.com`);
  const password = page.locator('input[autocomplete=new-password]');
  await password.fill('short');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.locator('.mantine-PasswordInput-error').waitFor();
  await password.fill('tidal-otter-brass-42');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Your organization' }).waitFor();
  await expectAccessible(page);
  const organization = unique('organization');
  await page.getByRole('textbox', { name: 'Name' }).fill(organization);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { level: 1, name: organization }).waitFor();
  await page.getByRole('link', { name: 'Make a cluster' }).waitFor();
  await expectAccessible(page);
  await stranger.close();
});

test('the palette leads to any deployment, by the keyboard alone', async () => {
  const { page, complaints } = await openPage(light);
  await visit(page, `${service.url}/`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('A page, a cluster or a deployment').fill('serves');
  await page.getByText('Service, running').waitFor();
  await expectAccessible(page);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'serves' }).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test('what changes is shown without a reload', async () => {
  const { page } = await openPage(light);
  await visit(page, `${service.url}/deployments/${waiting.id}`);
  await page.getByText(/Waits, as number/).waitFor();
  await owner.stop(running.id);
  await page.getByText('Admitted', { exact: true }).waitFor();
  await page.getByText('running', { exact: true }).first().waitFor();
  await page.close();
});

test('the first load takes at most 250 kB of compressed script', async () => {
  const fresh = await openBrowser();
  await signInAs(fresh, owner);
  const { page } = await openPage(fresh);
  const sizes: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    if (!new URL(request.url()).pathname.endsWith('.js')) return;
    sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  await visit(page, `${service.url}/deployments`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await loaded(page);
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(50_000);
  expect(total).toBeLessThanOrEqual(250_000);
  await fresh.close();
});
