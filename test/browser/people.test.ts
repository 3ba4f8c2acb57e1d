/** What an organization keeps for its deployments, and where one is signed in: as an owner changes it in the browser. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, type Cluster, password } from '../conformance/client.ts';
import { expectAccessible, openPage, signInAs, visit } from '../support/dashboard.ts';
import { dashboardSuite } from '../support/dashboard-suite.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

const suite = dashboardSuite({ config: { webhookAllow: ['127.0.0.1'] } });
let receiver: Receiver;
let cluster: Cluster;

beforeAll(async () => {
  receiver = await startReceiver();
  cluster = await suite.owner.createCluster({ name: 'lab' });
  await signInAs(suite.context, suite.owner);
});
afterAll(() => receiver?.close());

async function openTab(tab: string): Promise<{ page: Page; complaints: string[] }> {
  const opened = await openPage(suite.context);
  await visit(opened.page, `${suite.service.url}/people?tab=${tab}`);
  return opened;
}

/** The line of a table that this stands in. */
const rowOf = (page: Page, text: string | RegExp) => page.getByRole('row').filter({ hasText: text });

async function confirm(page: Page, verb: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
}

test('registries are added, get a new password, and are deleted', async () => {
  const { page, complaints } = await openTab('registries');
  await page.getByText('No registries').waitFor();
  await page.getByRole('button', { name: 'Add a registry' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Registry' }).fill('registry.example.com');
  await dialog.getByRole('textbox', { name: 'Username' }).fill('puller');
  await dialog.locator('input[type=password]').fill('first');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Images of registry.example.com are pulled as puller.').waitFor();
  const row = rowOf(page, 'registry.example.com');
  await row.getByText('puller').waitFor();

  await row.getByRole('button', { name: 'New password' }).click();
  await dialog.getByRole('textbox', { name: 'Username' }).fill('other');
  await dialog.locator('input[type=password]').fill('second');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row.getByText('other').waitFor();
  await expectAccessible(page);

  await row.getByRole('button', { name: 'Delete' }).click();
  await confirm(page, 'Delete');
  await page.getByText('No registries').waitFor();
  expect((await suite.owner.get<{ items: unknown[] }>('/registry-credentials')).items).toEqual([]);
  expect(complaints).toEqual([]);
});

test('a secret gets a new value, and its version says so; the value is shown nowhere', async () => {
  await suite.owner.call('POST', '/secrets', { name: 'api_key', value: 'value of before' });
  const { page, complaints } = await openTab('secrets');
  await page.getByRole('button', { name: 'New value for api_key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('value of now');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('api_key has a new value.').waitFor();
  await dialog.waitFor({ state: 'detached' });
  await rowOf(page, 'api_key').getByRole('cell', { name: '2', exact: true }).waitFor();
  expect(await page.locator('body').innerText()).not.toContain('value of');
  expect(complaints).toEqual([]);
});

test('volumes are listed with their size and who uses them, added, and deleted', async () => {
  await suite.owner.call('POST', '/volumes', { cluster_id: cluster.id, name: 'results' });
  const writer = await suite.owner.submit(cluster.id, {
    name: 'writer',
    volumes: [{ name: 'results', path: '/data' }],
    env: { SIM_WRITE: '/data/result=forty-two' },
  });
  await suite.owner.became(writer.id, 'running');
  const { page, complaints } = await openTab('volumes');
  const row = rowOf(page, 'results');
  await row.getByRole('cell', { name: '9 B', exact: true }).waitFor();
  await row.getByRole('link', { name: 'writer' }).waitFor();
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Add a volume' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('inputs');
  await dialog.getByRole('button', { name: 'Add' }).click();
  const added = rowOf(page, 'inputs');
  await added.getByText('nobody').waitFor();
  await added.getByText('lab').waitFor();
  await added.getByRole('button', { name: 'Delete' }).click();
  await confirm(page, 'Delete');
  await page.getByText('inputs is deleted.').waitFor();
  await added.waitFor({ state: 'detached' });
  expect((await suite.owner.all<{ name: string }>('/volumes')).map(({ name }) => name)).toEqual(['results']);
  expect(complaints).toEqual([]);
});

test('a webhook is added, and what was sent to it is seen, with what came of that', async () => {
  const { page, complaints } = await openTab('webhooks');
  const url = `http://127.0.0.1:${receiver.port}/hook`;
  await page.getByRole('button', { name: 'Add a webhook' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'URL' }).fill(url);
  await dialog.getByRole('textbox', { name: 'What it is for' }).fill('tells the chat');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('It is shown this once.').waitFor();
  expect(await dialog.getByRole('textbox', { name: 'Secret' }).inputValue()).toMatch(/^whsec_/);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await rowOf(page, 'tells the chat').click();

  await page.getByRole('heading', { name: url }).waitFor();
  await page.getByRole('button', { name: 'Send a test' }).click();
  const delivery = rowOf(page, 'webhook.test');
  await delivery.getByText('succeeded').waitFor();
  await delivery.getByText(/^204, in /).waitFor();
  await expectAccessible(page);

  receiver.answer = (_received, response) => response.writeHead(503).end();
  await delivery.getByRole('button', { name: 'Send again' }).click();
  await delivery.getByText(/^503, in /).waitFor();
  const tests = receiver.on('/hook').filter(({ message }) => message.type === 'webhook.test');
  expect(tests.length, 'sent again').toBeGreaterThanOrEqual(2);
  expect(new Set(tests.map(({ id }) => id)).size, 'as the same delivery').toBe(1);
  receiver.answer = (_received, response) => response.writeHead(204).end();

  await page.getByRole('button', { name: 'Turn off' }).click();
  await page.getByText('off', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'All webhooks' }).click();
  await rowOf(page, 'tells the chat').getByRole('button', { name: 'Delete' }).click();
  await confirm(page, 'Delete');
  await page.getByText('No webhooks').waitFor();
  expect(complaints).toEqual([]);
});

test('another session of the account is listed with its browser, and ended', async () => {
  const { username } = (await suite.owner.me()).user;
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const { token } = await new Client(suite.service.url).call<{ token: string }>(
    'POST',
    '/auth/sign-in',
    { username, password },
    { 'user-agent': agent },
  );
  const elsewhere = new Client(suite.service.url, token);
  await elsewhere.me();
  const { page, complaints } = await openPage(suite.context);
  await visit(page, `${suite.service.url}/account`);
  await rowOf(page, 'this one').waitFor();
  expect(await rowOf(page, 'this one').getByRole('button').count()).toBe(0);
  const other = rowOf(page, 'Firefox on Linux');
  await other.getByRole('button', { name: 'End' }).click();
  await page.getByText('The session was ended.').waitFor();
  await other.waitFor({ state: 'detached' });
  await elsewhere.refused(401, 'GET', '/me');
  await suite.owner.me();
  expect(complaints).toEqual([]);
});
