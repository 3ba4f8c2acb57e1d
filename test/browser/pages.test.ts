/** Every page of the dashboard, against the real server: it shows what is there, says nothing wrong to the console, and can be used by all. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Client, type Cluster, type Deployment, newOwner, unique } from '../conformance/client.ts';
import { openBrowser } from '../support/chromium.ts';
import { expectAccessible, goTo, loaded, openPage, signInAs, visit } from '../support/dashboard.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
let cluster: Cluster;
let running: Deployment;
let waiting: Deployment;
let light: BrowserContext;
let phone: BrowserContext;

/** For all tests of a group: it is closed with the browser. */
const kept = new Set<Page>();

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
// A page that is left open keeps one of the browser's few connections to the server.
afterEach(async () => {
  for (const page of [light, phone].flatMap((context) => context.pages())) if (!kept.has(page)) await page.close();
});
afterAll(async () => {
  await light?.close();
  await phone?.close();
  await service?.stop();
});

/** Where the use of a cluster is drawn, as soon as it has its second sample: about half a minute after it was made. */
const withCharts: ReadonlySet<string> = new Set(['overview', 'clusters', 'cluster: map']);

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
  let onPhone: Awaited<ReturnType<typeof openPage>>;
  beforeAll(async () => {
    onPhone = await openPage(phone);
    await visit(onPhone.page, service.url);
    kept.add(onPhone.page);
  });

  /** By its address, as somebody who was sent it, and on the phone by way of the pages before, as by links. */
  async function arrive(path: string) {
    const opened = await openPage(light);
    await visit(opened.page, service.url + path);
    await goTo(onPhone.page, path);
    return [opened, onPhone];
  }

  test.each(pages)('%s', async (name, path, heading) => {
    for (const { page, complaints } of await arrive(path())) {
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await loaded(page);
      if (withCharts.has(name)) await page.locator('.recharts-area-curve').first().waitFor({ state: 'attached' });
      const problems = page.getByRole('alert').filter({ hasText: /did not work|has a mistake|No answer|Not found/ });
      expect(await problems.allInnerTexts()).toEqual([]);
      const surplus = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
      expect(surplus, 'nothing sticks out at the side').toBeLessThanOrEqual(0);
      await expectAccessible(page);
      expect(complaints).toEqual([]);
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

test('who is invited signs up by the link, or joins with an account that has no organization, and sees the organization', async () => {
  const me = await owner.call<{ organization: { id: string; name: string } }>('GET', '/me');
  const { id, name: organization } = me.organization;
  const invite = await owner.call<{ code: string }>('POST', `/organizations/${id}/invites`, {
    role: 'viewer',
    max_uses: 2,
  });
  const link = `${service.url}/join/${invite.code}`;
  const stranger = await openBrowser();
  const { page, complaints } = await openPage(stranger);
  await visit(page, link);
  await page.getByRole('link', { name: 'Sign up' }).click();
  const name = unique('invited');
  await page.getByRole('textbox', { name: 'Username' }).fill(name);
  await page.getByRole('textbox', { name: 'E-mail' }).fill(`${name}@example.com`);
  await page.locator('input[autocomplete=new-password]').fill('tidal-otter-brass-42');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { level: 1, name: organization }).waitFor();
  await page.getByRole('link', { name: 'lab' }).first().waitFor();

  const other = unique('person');
  const account = { username: other, email: `${other}@example.com`, password: 'tidal-otter-brass-42' };
  const { token } = await owner.call<{ token: string }>('POST', '/auth/register', account);
  await signInAs(stranger, new Client(service.url, token));
  await visit(page, link);
  await page.getByRole('heading', { name: 'Join an organization' }).waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('heading', { level: 1, name: organization }).waitFor();
  expect(complaints).toEqual([]);
  await stranger.close();
});

test('a draft that was typed is not left without being asked; one that was not typed, or was submitted, is', async () => {
  const { page, complaints } = await openPage(light);
  const leave = () => page.getByRole('link', { name: 'Overview', exact: true }).click();
  const image = page.getByRole('textbox', { name: 'Image' });
  await visit(page, `${service.url}/submit`);
  await image.waitFor();
  await leave();
  await page.getByRole('heading', { level: 1, name: /organization/i }).waitFor();
  await page.goBack();
  await image.fill('simulated/job');
  await leave();
  await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await image.inputValue()).toBe('simulated/job');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('guarded');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { level: 1, name: 'guarded' }).waitFor();
  await page.getByRole('link', { name: 'the pass that decided it' }).or(page.getByText(/Waits/)).first().waitFor();
  expect(complaints).toEqual([]);
});

test('what a pass decided of a deployment leads to that pass', async () => {
  const { page, complaints } = await openPage(light);
  await visit(page, `${service.url}/deployments/${running.id}`);
  await page.getByRole('link', { name: 'the pass that decided it' }).first().click();
  const pass = page.getByRole('dialog', { name: 'One pass of the scheduler' });
  await pass.getByRole('link', { name: 'runs' }).first().waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

test('each holder of a device that is held in parts is reached by the keyboard', async () => {
  const part = { ...simulated, gpu_required: 0.5 };
  const shared = await owner.createCluster({
    name: 'shared',
    runtime: 'simulated',
    nodes: [{ name: 'one', ram: 16, cpu: 8, gpus: [{ model: 'A100', memory_gb: 40 }] }],
  });
  for (const name of ['left', 'right']) {
    const { id } = await owner.submit(shared.id, { ...part, name });
    await owner.became(id, 'running');
  }
  const { page, complaints } = await openPage(light);
  await visit(page, `${service.url}/clusters/${shared.id}`);
  const device = page.getByRole('button', { name: /^GPU 0, A100 40 GB/ });
  await device.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: /^left/ }).waitFor();
  await expectAccessible(page);
  await page.getByRole('menuitem', { name: /^right/ }).press('Enter');
  await page.getByRole('heading', { level: 1, name: 'right' }).waitFor();
  expect(complaints).toEqual([]);
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
});

test('what changes is shown without a reload', async () => {
  const { page } = await openPage(light);
  await visit(page, `${service.url}/deployments/${waiting.id}`);
  await page.getByText(/Waits, as number/).waitFor();
  await owner.stop(running.id);
  await page.getByText('Admitted', { exact: true }).waitFor();
  await page.getByText('running', { exact: true }).first().waitFor();
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
